/** Where links lead: to the web or to a mailbox they stay links, elsewhere their target is said as text. */

export type Link = {
  /** A target that may stay a link; null where it may not. */
  readonly href: string | null;
  /** A target to be said as text; null where it is a link, or where it says nothing to people. */
  readonly said: string | null;
};

/** What runs in a browser, or means something to one program only. */
const unsaid: ReadonlySet<string> = new Set(
  'javascript vbscript livescript data blob about filesystem view-source cid mid x-apple-data-detectors'.split(' '),
);

/** Longest target that is said as text. Characters. */
const maxSaid = 2000;

export function linkOf(href: string | undefined): Link | null {
  if (href === undefined) return null;
  const target = webUrl(href);
  if (target !== null) return { href: target, said: null };
  const tight = tightened(href);
  const isUnc = /^(?:\/\/|\\\\)[^/\\]/.test(tight);
  const scheme = /^([a-z][a-z0-9+.-]{1,40}):./i.exec(tight)?.[1]?.toLowerCase();
  // Written without a scheme by people; a browser would look for it beside the page.
  const isBare = /^www\.[^\s./]+\./i.test(tight);
  if (tight.length > maxSaid || (!isUnc && !isBare && (scheme === undefined || unsaid.has(scheme))))
    return { href: null, said: null };
  return { href: null, said: tight };
}

/** The URL if it is absolute and of an allowed scheme; browsers ignore white space and controls in it. */
export function webUrl(url: string): string | null {
  const tight = tightened(url);
  return /^(?:https?:\/\/|mailto:)[^\s]/i.test(tight) && URL.canParse(tight) ? tight : null;
}

function tightened(url: string): string {
  // oxlint-disable-next-line no-control-regex -- as browsers strip them before they look at the scheme
  return url.trim().replaceAll(/[\u0000-\u001f]/g, '');
}

/** Without what may be a token or a name. */
export function withoutSecrets(url: string): string {
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}

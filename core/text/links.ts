/**
 * Decides how a link is shown: one to the web or a mailbox remains a link; for others, the target is shown as text.
 */

export type Link = {
  /** A target that may remain a link; otherwise null. */
  readonly href: string | null;
  /** A target to show as text; null if it is a link or means nothing to people. */
  readonly said: string | null;
};

/** Schemes that run in a browser, or mean something to one program only. */
const unsaid: ReadonlySet<string> = new Set(
  'javascript vbscript livescript data blob about filesystem view-source cid mid x-apple-data-detectors'.split(' '),
);

/** Longest target that is shown as text. Characters. */
const maxSaid = 2000;

export function linkOf(href: string | undefined): Link | null {
  if (href === undefined) return null;
  const target = webUrl(href);
  if (target !== null) return { href: target, said: null };
  const tight = tightened(href);
  const isUnc = /^(?:\/\/|\\\\)[^/\\]/.test(tight);
  const scheme = /^([a-z][a-z0-9+.-]{1,40}):./i.exec(tight)?.[1]?.toLowerCase();
  // People omit the scheme; a browser would take it for a relative path.
  const isBare = /^www\.[^\s./]+\./i.test(tight);
  if (tight.length > maxSaid || (!isUnc && !isBare && (scheme === undefined || unsaid.has(scheme))))
    return { href: null, said: null };
  return { href: null, said: tight };
}

/**
 * Returns the URL if it is absolute and of an allowed scheme. Browsers ignore white space and control characters in it.
 */
export function webUrl(url: string): string | null {
  const tight = tightened(url);
  return /^(?:https?:\/\/|mailto:)[^\s]/i.test(tight) && URL.canParse(tight) ? tight : null;
}

function tightened(url: string): string {
  // oxlint-disable-next-line no-control-regex -- as browsers strip them before they look at the scheme
  return url.trim().replaceAll(/[\u0000-\u001f]/g, '');
}

/** Removes credentials, query and fragment, which may contain a token or a name. */
export function withoutSecrets(url: string): string {
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}

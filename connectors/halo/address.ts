/** The addresses of a Halo, as people copy them from its pages. */

/** Of its pages. Halo's own page for applications shows that of its API, with `/api` at the end. */
export function baseOf(url: string): string {
  return trimmed(trimmed(url).replace(/\/api$/i, ''));
}

/** Where one signs in, without the last part of where one gets a token. */
export function signInOf(url: string): string {
  return trimmed(trimmed(url).replace(/\/token$/i, ''));
}

function trimmed(url: string): string {
  return url.replace(/\/{1,50}$/, '');
}

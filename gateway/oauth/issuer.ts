/** What an instance is called between gateways, and where its documents are (RFC 8414). */
const wellKnown = '/.well-known/oauth-authorization-server';

/** Without a trailing slash, so that paths can be added. */
export function baseUrl(publicUrl: string): string {
  return publicUrl.replace(/\/{1,50}$/, '');
}

export function issuerUrl(publicUrl: string, instance: string): string {
  return `${baseUrl(publicUrl)}/i/${instance}`;
}

/** Paths of the metadata: RFC 8414 puts the well-known part before the issuer's own path; a proxy may have cut that. */
export function metadataPaths(publicUrl: string): readonly string[] {
  const prefix = new URL(baseUrl(publicUrl)).pathname.replace(/\/$/, '');
  return [...new Set([`${wellKnown}${prefix}/i/:instance`, `${wellKnown}/i/:instance`])];
}

/** The URL that a caller has used, by the name under which it knows this gateway, whatever the Host header says. */
export function calledUrl(publicUrl: string, requestUrl: string): string {
  return baseUrl(publicUrl) + new URL(requestUrl).pathname;
}

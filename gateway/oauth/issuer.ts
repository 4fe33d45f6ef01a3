/** The name of an instance between gateways, and the paths of its documents (RFC 8414). */
const wellKnown = '/.well-known/oauth-authorization-server';

/** Removes a trailing slash, so that paths can be appended. */
export function baseUrl(publicUrl: string): string {
  return publicUrl.replace(/\/{1,50}$/, '');
}

export function issuerUrl(publicUrl: string, instance: string): string {
  return `${baseUrl(publicUrl)}/i/${instance}`;
}

/** The paths of the metadata. RFC 8414 puts the well-known part before the issuer's path, which a proxy may have removed. */
export function metadataPaths(publicUrl: string): readonly string[] {
  const prefix = new URL(baseUrl(publicUrl)).pathname.replace(/\/$/, '');
  return [...new Set([`${wellKnown}${prefix}/i/:instance`, `${wellKnown}/i/:instance`])];
}

/** Returns the URL that a caller has used, with this gateway's public name, regardless of the Host header. */
export function calledUrl(publicUrl: string, requestUrl: string): string {
  return baseUrl(publicUrl) + new URL(requestUrl).pathname;
}

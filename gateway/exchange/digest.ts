/** Reads `Content-Digest` of RFC 9530: `sha-256=:base64:`, perhaps among other digests. */

/** Returns the SHA-256 in lower-case hex; null if the header has no readable one. */
export function sha256Of(header: string | undefined): string | null {
  const [, base64] = /(?:^|,)\s*sha-256=:([A-Za-z0-9+/]{43}=):\s*(?=,|;|$)/.exec(header ?? '') ?? [];
  return base64 === undefined ? null : Buffer.from(base64, 'base64').toString('hex');
}

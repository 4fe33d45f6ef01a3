/** Reads a webhook's body up to a limit. */

/** How much of an oversized body to read and discard, because a sender that is cut off sees a failure. */
const mostDiscarded = 32 * 1024 * 1024;

/** Reads it. @returns null if it is longer than `maxBytes`; the rest is discarded. The server limits the time. */
export async function readBody(request: Request, maxBytes: number): Promise<Uint8Array | null> {
  // The server enforces a declared length, so don't count such a body: counting costs more than everything else here.
  const length = request.headers.get('content-length');
  const isDeclared = length !== null && /^\d+$/.test(length) && request.headers.get('transfer-encoding') === null;
  if (isDeclared && Number(length) <= maxBytes) return new Uint8Array(await request.arrayBuffer());
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of request.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes <= maxBytes) chunks.push(chunk);
    else chunks.length = 0;
    if (bytes > mostDiscarded) break;
  }
  return bytes > maxBytes ? null : Buffer.concat(chunks, bytes);
}

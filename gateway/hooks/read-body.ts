/** Reads a webhook's body as far as it is of use. */

/** So much of a body that is too long is still taken off the wire, since a sender that is cut off sees a failure. */
const mostDiscarded = 32 * 1024 * 1024;

/** @returns null where it is longer than `maxBytes`; what comes after these is dropped. The server bounds its time. */
export async function readBody(request: Request, maxBytes: number): Promise<Uint8Array | null> {
  // A length that is declared is kept by the server, so such a body needs no counting, which costs more than all the rest.
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

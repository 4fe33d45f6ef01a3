/** Reads a request's JSON strictly: limited in size and depth, declared as JSON, in UTF-8. See json-body.ts. */
import type { Context } from 'hono';
import { parseStrict } from '#gateway/json-body.ts';
import { ProblemError } from '#gateway/problems.ts';

/** Reads it. Does not read a body that declares too great a length. @throws ProblemError */
export async function readBody(c: Context, maxBytes: number): Promise<unknown> {
  const encoding = c.req.header('content-encoding');
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity')
    throw new ProblemError('encoded-body', 'Send the body without Content-Encoding.', closing);
  if (!isJson(c.req.header('content-type')))
    throw new ProblemError('not-json', 'Send the body as application/json, in UTF-8.', closing);
  const length = c.req.header('content-length');
  if (length !== undefined && !(Number(length) <= maxBytes)) throw tooLarge(maxBytes);
  return parseStrict(await readAll(c.req.raw.body, maxBytes));
}

const closing = { headers: { connection: 'close' } };

function tooLarge(maxBytes: number): ProblemError {
  return new ProblemError('body-too-large', `Send at most ${maxBytes} bytes; divide the batch.`, closing);
}

function isJson(type: string | undefined): boolean {
  const [media = '', ...parameters] = (type ?? '').split(';').map((part) => part.trim().toLowerCase());
  if (media !== 'application/json') return false;
  return parameters.every((parameter) => !parameter.startsWith('charset=') || /^charset="?utf-8"?$/.test(parameter));
}

async function readAll(body: ReadableStream<Uint8Array> | null, maxBytes: number): Promise<Uint8Array> {
  if (body === null) return new Uint8Array();
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const chunk of body) {
      size += chunk.length;
      if (size > maxBytes) throw tooLarge(maxBytes);
      chunks.push(chunk);
    }
  } catch (error) {
    // The sender has disconnected; the socket's error must not look like the database's.
    throw error instanceof ProblemError ? error : new ProblemError('malformed-json', 'The body was cut off.', closing);
  }
  return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
}

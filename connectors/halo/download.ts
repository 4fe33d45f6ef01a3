/**
 * Downloads a file. The same Halo answers some downloads with bytes and others with JSON `{link}`: a signed address at another host,
 * which must not get our token.
 */
import { Readable } from 'node:stream';
import { text as readAll } from 'node:stream/consumers';
import { HelpdeskError } from '#connectors/contract/errors.ts';
import type { HttpClient } from '#connectors/contract/http.ts';
import type { OpenedAttachment } from '#connectors/contract/helpdesk.ts';
import { parseJson } from '#connectors/kit/json.ts';
import type { Call } from './call.ts';
import { errorOf } from './errors.ts';
import { link as linkSchema } from './wire.ts';

export const transferTimeoutMs = 3_600_000;
const longestLinkBytes = 16 * 1024;
const longestErrorChars = 10_000;

/** What the list of files says of one. */
export type Listed = { readonly size: number | null; readonly isPage: boolean };

export type Streamed = Awaited<ReturnType<HttpClient['stream']>>;

/** Throws HelpdeskError for a reply that is no success. */
export async function openedFrom(reply: Streamed, what: string): Promise<OpenedAttachment> {
  if (reply.status < 200 || reply.status >= 300) throw await failed(reply, what);
  return {
    stream: reply.stream,
    sizeBytes: lengthOf(reply),
    type: reply.headers['content-type'] ?? null,
  };
}

function lengthOf({ headers }: Streamed): number | null {
  const length = headers['content-length'] ?? '';
  return /^\d{1,15}$/.test(length) ? Number(length) : null;
}

async function failed(reply: Streamed, what: string): Promise<HelpdeskError> {
  const text = await readAll(reply.stream);
  return errorOf({ ...reply, text: text.slice(0, longestErrorChars) }, { what, write: false, aboutTicket: true });
}

/**
 * The address a reply holds in place of bytes, or the reply as it was. A file that happens to be such JSON itself is told
 * apart by `listed`, which gives what Halo's list of files says of it, where it is there.
 */
export async function linkOrFile(
  reply: Streamed,
  what: string,
  listed: () => Promise<Listed | null>,
): Promise<{ readonly link: string } | { readonly file: Streamed }> {
  const type = reply.headers['content-type'] ?? '';
  const length = lengthOf(reply);
  if (/html/i.test(type)) return { file: await unlessPage(reply, what, listed) };
  if (!/json/i.test(type) || (length ?? 0) > longestLinkBytes) return { file: reply };
  const { bytes, rest } = await head(reply.stream, longestLinkBytes);
  const again = { file: { ...reply, stream: Readable.from(together(bytes, rest), { objectMode: false }) } };
  if (rest !== null) return again;
  const link = linkIn(bytes, what);
  if (link === null || (await listed())?.size === bytes.length) return again;
  return { link };
}

/** A page that asks to sign in comes as a success, too: of a file that is no page itself it is not taken for the bytes. */
async function unlessPage(reply: Streamed, what: string, listed: () => Promise<Listed | null>): Promise<Streamed> {
  const known = await listed().catch((error: unknown) => {
    reply.stream.destroy();
    throw error;
  });
  if (known?.isPage === true) return reply;
  reply.stream.destroy();
  const message = `${what}: a web page came in place of the file. Is Halo at this URL, and up?`;
  throw new HelpdeskError('retry', 'not-halo', message);
}

function linkIn(bytes: Buffer, what: string): string | null {
  try {
    const reply = {
      status: 200,
      headers: { 'content-type': 'application/json' },
      text: new TextDecoder().decode(bytes),
    };
    return linkSchema.safeParse(parseJson(reply, { what, write: false })).data?.link ?? null;
  } catch {
    return null;
  }
}

/** Follows a signed address: without our token, through the same guard as every address. Throws HelpdeskError. */
export async function followed(http: HttpClient, link: string, baseUrl: string, call: Call): Promise<OpenedAttachment> {
  const url = URL.parse(link, `${baseUrl}/`);
  if (url === null) throw new HelpdeskError('refused', 'bad-link', `${call.what}: Halo gave an address that is none.`);
  const headers = { accept: '*/*' };
  const reply = await http.stream({
    method: 'GET',
    url: url.href,
    headers,
    signal: call.signal,
    timeoutMs: transferTimeoutMs,
  });
  if (reply.status >= 200 && reply.status < 300) return openedFrom(reply, call.what);
  const { status, code } = await failed(reply, call.what).then((error) => ({ status: reply.status, code: error.code }));
  // Whose signature has run out is asked for again; it says nothing about the file.
  const message = `${call.what}: the address that Halo gave for it answered ${status} (${code}).`;
  throw new HelpdeskError('retry', 'link-refused', message);
}

/** The stream's first bytes; `rest` is null where that was all. */
async function head(
  stream: Readable,
  most: number,
): Promise<{ bytes: Buffer; rest: AsyncIterator<Uint8Array> | null }> {
  const parts: Uint8Array[] = [];
  let size = 0;
  const iterator = (stream as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
  for (;;) {
    const { done, value } = await iterator.next();
    if (done === true) return { bytes: Buffer.concat(parts), rest: null };
    parts.push(value);
    size += value.byteLength;
    if (size > most) return { bytes: Buffer.concat(parts), rest: iterator };
  }
}

async function* together(bytes: Buffer, rest: AsyncIterator<Uint8Array> | null): AsyncGenerator<Uint8Array> {
  if (bytes.length > 0) yield bytes;
  if (rest === null) return;
  try {
    for (;;) {
      const { done, value } = await rest.next();
      if (done === true) return;
      yield value;
    }
  } finally {
    await rest.return?.();
  }
}

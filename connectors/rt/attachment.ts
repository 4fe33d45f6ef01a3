/**
 * A file out of RT. REST2 gives it as base64 inside a JSON object, so the bytes are picked out of the reply while it
 * arrives; a large file is never in memory as a whole.
 */
import { Transform, pipeline } from 'node:stream';
import { HelpdeskError } from '#connectors/contract/errors.ts';
import type { OpenedAttachment } from '#connectors/contract/helpdesk.ts';
import type { Readable } from 'node:stream';
import { attachedMail, attachedMailPart } from './attached-mail.ts';
import { query } from './client.ts';
import type { RtClient } from './client.ts';
import { foundPartSchema, partSchema } from './wire.ts';
import type { RtPart } from './wire.ts';

export async function openAttachment(
  client: RtClient,
  ticketId: string,
  attachmentId: string,
  signal: AbortSignal,
): Promise<OpenedAttachment> {
  const mail = attachedMailPart(attachmentId);
  if (mail !== null) return openMail(client, ticketId, mail, signal);
  const purpose = { what: `give file ${attachmentId}`, write: false, about: 'file' } as const;
  try {
    const { stream } = await client.stream(`/attachment/${encodeURIComponent(attachmentId)}`, purpose, signal);
    // Errors reach the reader of the last stream; pipeline destroys the others.
    const content = pipeline(stream, contentOf(), () => undefined);
    return { stream: content, sizeBytes: null, type: null };
  } catch (error) {
    // RT 5.0 fails with 500 where there is no such file.
    if (!(error instanceof HelpdeskError) || error.code !== 'server-error') throw error;
    const filters = [{ field: 'id', value: attachmentId }];
    const path = `/ticket/${encodeURIComponent(ticketId)}/attachments${query({ fields: 'TransactionId', per_page: 1 })}`;
    const found = await client.search(path, filters, foundPartSchema, purpose, signal);
    if (found.length > 0) throw error;
    throw new HelpdeskError('gone', 'file-gone', `RT has no file ${attachmentId} on ticket #${ticketId} any more.`);
  }
}

/** A mail attached to a message, put together from its parts. */
async function openMail(
  client: RtClient,
  ticketId: string,
  partId: string,
  signal: AbortSignal,
): Promise<OpenedAttachment> {
  const purpose = { what: `give the mail ${partId}`, write: false, about: 'file' } as const;
  const path = `/ticket/${encodeURIComponent(ticketId)}/attachments`;
  const [self] = await client.search(
    `${path}${query({ fields: 'TransactionId,ContentType,Headers', per_page: 1 })}`,
    [{ field: 'id', value: partId }],
    partSchema,
    purpose,
    signal,
  );
  if (self === undefined) {
    throw new HelpdeskError('gone', 'file-gone', `RT has no mail ${partId} on ticket #${ticketId} any more.`);
  }
  const parts: RtPart[] = [];
  for (;;) {
    const page = await client.search(
      `${path}${query({ fields: 'TransactionId,Parent,ContentType,Filename,Headers', per_page: 100, orderby: 'id' })}`,
      [
        { field: 'TransactionId', value: self.TransactionId },
        // RT 5.0 fails to show the parent of a part that has none.
        { field: 'Parent', operator: '>', value: 0 },
        { field: 'id', operator: '>', value: parts.at(-1)?.id ?? 0 },
      ],
      partSchema,
      purpose,
      signal,
    );
    parts.push(...page);
    if (page.length < 100) break;
  }
  const open = async (id: string): Promise<Readable> => (await openAttachment(client, ticketId, id, signal)).stream;
  return { stream: attachedMail([...parts, self], partId, open), sizeBytes: null, type: 'message/rfc822' };
}

const quote = 0x22;
const backslash = 0x5c;
const open = new Set([0x7b, 0x5b]);
const close = new Set([0x7d, 0x5d]);
const wantedKey = 'Content';

/** Lets through the decoded value of the top object's `Content`. */
export function contentOf(): Transform {
  let depth = 0;
  let inString = false;
  let escaped = false;
  /** The string just read at depth 1; a colon after the string makes it a key. */
  let word = '';
  let isContent = false;
  let found = false;
  let closed = false;
  /** Base64 characters that do not fill a group of four yet. */
  let rest = '';

  function takeContent(chunk: Buffer, from: number): { readonly at: number; readonly text: string } {
    let at = from;
    while (at < chunk.length && chunk[at] !== quote) at++;
    const text = chunk.toString('latin1', from, at);
    if (at < chunk.length) {
      closed = true;
      isContent = false;
      inString = false;
    }
    return { at: at + 1, text };
  }

  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const decoded: Buffer[] = [];
      for (let at = 0; at < chunk.length;) {
        if (isContent && inString) {
          const taken = takeContent(chunk, at);
          // Line breaks come as the two characters \n; an escape may be cut between two chunks.
          rest = (rest + taken.text).replace(/\\[nr]|\\(?=\/)/g, '');
          const cut = rest.endsWith('\\') ? '\\' : '';
          const clean = cut === '' ? rest : rest.slice(0, -1);
          const whole = closed ? clean.length : clean.length - (clean.length % 4);
          if (whole > 0) decoded.push(Buffer.from(clean.slice(0, whole), 'base64'));
          rest = clean.slice(whole) + cut;
          at = taken.at;
          continue;
        }
        const byte = chunk[at++] ?? 0;
        if (inString) {
          if (escaped) escaped = false;
          else if (byte === backslash) escaped = true;
          else if (byte === quote) inString = false;
          else if (depth === 1 && word.length <= wantedKey.length) word += String.fromCharCode(byte);
        } else if (byte === quote) {
          inString = true;
          if (found && !closed) {
            isContent = true;
          }
          word = '';
        } else if (byte === 0x3a && depth === 1) {
          found ||= word === wantedKey;
        } else if (open.has(byte)) depth++;
        else if (close.has(byte)) depth--;
        else if (byte === 0x2c && depth === 1 && found && !closed) {
          // Its value was null: there is no content.
          closed = true;
        }
      }
      done(null, decoded.length === 0 ? undefined : Buffer.concat(decoded));
    },
    flush(done) {
      if (depth === 0 && !inString) return done(null);
      done(new HelpdeskError('retry', 'cut-off', 'RT broke off in the middle of a file.'));
    },
  });
}

/**
 * A mail that was attached to a message. RT keeps no bytes of it, only its parts, so it is put together again from
 * them: the headers as they were, every content in base64. It streams, one part after another.
 */
import { Readable, Transform, pipeline } from 'node:stream';
import { HelpdeskError } from '#connectors/contract/errors.ts';
import { isContainer, isMail, treeOf } from './tree.ts';
import type { Node } from './tree.ts';
import type { RtPart } from './wire.ts';

const prefix = 'mail-';

/** The id under which Ferry knows an attached mail, as RT has none for its bytes. */
export function attachedMailId(partId: string): string {
  return `${prefix}${partId}`;
}

/** The part, or null for the id of an ordinary file. */
export function attachedMailPart(attachmentId: string): string | null {
  return /^mail-(\d{1,20})$/.exec(attachmentId)?.[1] ?? null;
}

/** @param parts of the whole message @param open the bytes of one part */
export function attachedMail(
  parts: readonly RtPart[],
  partId: string,
  open: (partId: string) => Promise<Readable>,
): Readable {
  const found = find(treeOf(parts), partId);
  if (found === undefined) throw new HelpdeskError('gone', 'file-gone', `RT has no mail ${partId} any more.`);
  return Readable.from(written(found.children, open), { objectMode: false });
}

function find(nodes: readonly Node[], partId: string): Node | undefined {
  for (const node of nodes) {
    const found = node.part.id === partId ? node : find(node.children, partId);
    if (found !== undefined) return found;
  }
  return undefined;
}

type Open = (partId: string) => Promise<Readable>;

async function* written(nodes: readonly Node[], open: Open): AsyncGenerator<Buffer> {
  for (const node of nodes) yield* entity(node, open);
}

async function* entity({ part, children }: Node, open: Open): AsyncGenerator<Buffer> {
  if (isContainer(part)) {
    const boundary = `ferry-part-${part.id}`;
    const type = isMail(part.ContentType) ? part.ContentType : `${part.ContentType}; boundary="${boundary}"`;
    yield Buffer.from(`${headersOf(part, type)}\r\n\r\n`);
    if (isMail(part.ContentType)) return yield* written(children, open);
    for (const child of children) {
      yield Buffer.from(`--${boundary}\r\n`);
      yield* entity(child, open);
      yield Buffer.from('\r\n');
    }
    yield Buffer.from(`--${boundary}--\r\n`);
    return;
  }
  const type = `${part.ContentType}${part.ContentType.startsWith('text/') ? '; charset="utf-8"' : ''}`;
  yield Buffer.from(`${headersOf(part, type)}\r\nContent-Transfer-Encoding: base64\r\n\r\n`);
  const bytes = await open(part.id);
  yield* pipeline(bytes, inBase64(), () => undefined) as AsyncIterable<Buffer>;
}

/** Those of the part but what says how it was encoded, since it is encoded otherwise here. */
function headersOf({ Headers }: RtPart, type: string): string {
  const kept: string[] = [];
  let isLeftOut = false;
  for (const line of Headers.split('\n').map((one) => one.replace(/\r$/, ''))) {
    if (line === '') continue;
    if (!/^[ \t]/.test(line))
      isLeftOut = /^(?:content-type|content-transfer-encoding|content-length|x-rt-)/i.test(line);
    if (!isLeftOut) kept.push(line);
  }
  return [...kept, `Content-Type: ${type}`].join('\r\n');
}

/** Lines of 76 characters, as mail has them. */
function inBase64(): Transform {
  let rest: Buffer = Buffer.alloc(0);
  const lines = (bytes: Buffer): string => bytes.toString('base64').replaceAll(/.{76}/g, '$&\r\n');
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const bytes = Buffer.concat([rest, chunk]);
      const whole = bytes.length - (bytes.length % 57);
      rest = bytes.subarray(whole);
      done(null, whole === 0 ? undefined : lines(bytes.subarray(0, whole)));
    },
    flush(done) {
      done(null, rest.length === 0 ? undefined : `${lines(rest)}\r\n`);
    },
  });
}

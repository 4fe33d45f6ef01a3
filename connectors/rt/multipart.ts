/** A message with files as multipart/form-data, streamed: a large file is never in memory as a whole. */
import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { cutName } from '#core/text/safe-name.ts';
import type { Attachment } from '#core/words/vocabulary.ts';
import { contentIdOf } from './notes.ts';

export type Multipart = {
  readonly body: Readable;
  readonly headers: Readonly<Record<string, string>>;
};

/** Builds the message. @param open opens a file's bytes; called in turn, each after the previous file has been sent */
export function multipart(
  message: unknown,
  files: readonly Attachment[],
  open: (file: Attachment) => Readable,
): Multipart {
  const boundary = `ferry-${randomBytes(16).toString('hex')}`;
  const head = Buffer.from(
    `--${boundary}\r\nContent-Disposition: form-data; name="JSON"\r\n\r\n${JSON.stringify(message)}\r\n`,
  );
  const heads = files.map((file, index) =>
    Buffer.from(
      `--${boundary}\r\nContent-Disposition: form-data; name="Attachments"; filename="${fileName(file.name)}"\r\n` +
        `Content-Type: ${contentType(file.type)}${file.inline ? `; ferry-cid="${contentIdOf(index)}"` : ''}\r\n\r\n`,
    ),
  );
  const tail = Buffer.from(`--${boundary}--\r\n`);
  const lineEnd = Buffer.from('\r\n');

  async function* bytes(): AsyncGenerator<Uint8Array> {
    yield head;
    for (const [index, file] of files.entries()) {
      yield heads[index] ?? lineEnd;
      yield* open(file) as AsyncIterable<Uint8Array>;
      yield lineEnd;
    }
    yield tail;
  }

  const sizes = files.map((file) => file.sizeBytes);
  const length = sizes.every((size) => size !== null)
    ? head.length +
      tail.length +
      heads.reduce((sum, one) => sum + one.length + lineEnd.length, 0) +
      sizes.reduce((sum, size) => sum + size, 0)
    : undefined;
  return {
    body: Readable.from(bytes(), { objectMode: false }),
    headers: {
      'content-type': `multipart/form-data; boundary=${boundary}`,
      ...(length === undefined ? {} : { 'content-length': String(length) }),
    },
  };
}

/** What would end the header or the quotes, or be a path, becomes an underscore; RT takes "0" for no name. */
function fileName(name: string): string {
  // oxlint-disable-next-line no-control-regex
  const safe = cutName(name.replace(/[\u0000-\u001f\u007f"\\/]/g, '_'), 200);
  return safe === '' || safe === '0' ? `file-${safe}` : safe;
}

/** RT converts text to UTF-8 and parses messages; only what it takes for bytes arrives as it was. */
function contentType(type: string | null): string {
  const plain = (type ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  const isBytes = /^(?:application|image|audio|video|font|model)\/[a-z0-9][a-z0-9.+-]*$/.test(plain);
  return isBytes ? plain : 'application/octet-stream';
}

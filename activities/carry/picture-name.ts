/** Names for pictures that a text shows and that their desk gives no name, or one without an ending. */
import { fileTypeFromBuffer } from 'file-type';
import type { BlobStore } from '#blobs/store.ts';
import type { Attachment } from '#core/words/vocabulary.ts';

/** As many bytes as file-type looks at. */
const sniffedBytes = 4_100;

/** Programs choose by the ending what opens a file, so it is what the first bytes say. Others keep the name they have. */
export async function pictureName(
  blobs: Pick<BlobStore, 'open'>,
  { name, inline }: Pick<Attachment, 'name' | 'inline'>,
  sha256: string,
): Promise<string> {
  if (!inline || /\.[a-z\d]{1,10}$/i.test(name)) return name;
  const ending = await endingOf(await headOf(blobs, sha256));
  return ending === undefined ? name : `${name}.${ending}`;
}

async function endingOf(head: Uint8Array): Promise<string | undefined> {
  // A drawing is text, and the library knows it only as XML.
  if (/^(?:\uFEFF|\s|<\?[^>]*>|<!--[^>]*>|<!DOCTYPE[^>]*>)*<svg[\s>]/.test(Buffer.from(head).toString('utf8')))
    return 'svg';
  return (await fileTypeFromBuffer(head).catch(() => undefined))?.ext;
}

async function headOf(blobs: Pick<BlobStore, 'open'>, sha256: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of blobs.open(sha256) as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes >= sniffedBytes) break;
  }
  return Buffer.concat(chunks).subarray(0, sniffedBytes);
}

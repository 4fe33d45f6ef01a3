/** Names inline images that their desk leaves unnamed or without a file extension. */
import { fileTypeFromBuffer } from 'file-type';
import type { BlobStore } from '#blobs/store.ts';
import type { Attachment } from '#core/words/vocabulary.ts';

/** As many bytes as file-type examines. */
const sniffedBytes = 4_100;

/**
 * Adds the extension that the first bytes indicate, since programs choose by it how to open a file. Other names are
 * unchanged.
 */
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
  // An SVG is text, and the library recognises it only as XML.
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

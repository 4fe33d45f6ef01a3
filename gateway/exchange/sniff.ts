/** Finds the type of a file from its first bytes. Unrecognised bytes are `application/octet-stream`; a declared type is never trusted. */
import { fileTypeFromBuffer } from 'file-type';

export const plainBytes = 'application/octet-stream';
/** As many bytes as file-type reads. */
export const sniffedBytes = 4_100;
const patienceMs = 1_000;

export async function sniff(head: Uint8Array): Promise<string> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), patienceMs);
  });
  try {
    const found = await Promise.race([fileTypeFromBuffer(head), late]);
    return found?.mime ?? plainBytes;
  } catch {
    return plainBytes;
  } finally {
    clearTimeout(timer);
  }
}

/** The type of a file by its first bytes. What they do not tell is a row of bytes, never what somebody says it is. */
import { fileTypeFromBuffer } from 'file-type';

export const plainBytes = 'application/octet-stream';
/** As many as file-type looks at. */
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

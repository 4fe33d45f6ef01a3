// A directory of a test's own that is gone when the test is over.
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export type TempDir = { readonly path: string; remove(): Promise<void> };

/** @param mode of the directory; 0o711 lets the user whom PostgreSQL runs as pass through */
export async function tempDir(mode = 0o711): Promise<TempDir> {
  const path = await mkdtemp(join(tmpdir(), 'ferry-t-'));
  await chmod(path, mode);
  return { path, remove: () => rm(path, { recursive: true, force: true, maxRetries: 5 }) };
}

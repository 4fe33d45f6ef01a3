/**
 * Downloads the Temporal CLI from Temporal's own server, if that can be reached. It must have the checksum in this version of
 * Ferry.
 */
import { createHash } from 'node:crypto';
import { execFile } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { chmod, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { archiveChecksums, archiveVersion } from './temporal-archives.ts';

const run = promisify(execFile);

export type FetchOptions = {
  /** Where to put the program; it appears whole or not at all. */
  readonly target: string;
  readonly progress: (line: string) => void;
  readonly signal?: AbortSignal | undefined;
  /** Accepts a download that has no pinned checksum. */
  readonly unchecked?: boolean | undefined;
  /** For tests: by platform, as `linux-x64`. */
  readonly pinned?: Readonly<Record<string, string>>;
};

const fetchWithinMs = 180_000;

/** Downloads it. @throws Error with a reason in a few words, within seconds if there is no network */
export async function downloadTemporal(options: FetchOptions): Promise<void> {
  const platform = `${process.platform}-${process.arch}`;
  const expected = (options.pinned ?? archiveChecksums)[platform];
  if (expected === undefined && options.unchecked !== true)
    throw new Error(`no checksum is pinned for ${platform}; --unchecked-download runs it anyway`);
  options.progress(`downloading Temporal ${archiveVersion}`);
  const dir = dirname(options.target);
  await mkdir(dir, { recursive: true });
  const work = await mkdtemp(join(dir, 'download-'));
  try {
    const archive = join(work, 'temporal.tar.gz');
    const checksum = await save(archiveUrl(), archive, options.signal);
    if (expected !== undefined && checksum !== expected)
      throw new Error(`the download has the checksum ${checksum}, not ${expected}; it was deleted`);
    await run('tar', ['-xzf', archive, '-C', work]);
    const program = join(work, 'temporal');
    await chmod(program, 0o755);
    await rename(program, options.target);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

function archiveUrl(): string {
  const arch = process.arch === 'x64' ? 'amd64' : process.arch;
  return `https://temporal.download/cli/archive/${archiveVersion}?platform=${process.platform}&arch=${arch}`;
}

/** Downloads a file. @returns its SHA-256, lower-case hex */
async function save(url: string, file: string, signal: AbortSignal | undefined): Promise<string> {
  const hash = createHash('sha256');
  let response: Response;
  try {
    response = await fetch(url, { signal: limited(signal, fetchWithinMs) });
  } catch {
    throw new Error('temporal.download cannot be reached');
  }
  if (!response.ok || response.body === null) throw new Error(`temporal.download answered ${response.status}`);
  await pipeline(
    Readable.fromWeb(response.body),
    async function* (chunks: AsyncIterable<Uint8Array>) {
      for await (const chunk of chunks) {
        hash.update(chunk);
        yield chunk;
      }
    },
    createWriteStream(file),
  );
  return hash.digest('hex');
}

function limited(signal: AbortSignal | undefined, ms: number): AbortSignal {
  const limit = AbortSignal.timeout(ms);
  return signal === undefined ? limit : AbortSignal.any([signal, limit]);
}

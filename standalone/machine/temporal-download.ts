// Fetches the Temporal CLI from where Temporal's SDKs fetch it, if that can be reached.
import { execFile } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { chmod, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';

const run = promisify(execFile);

export type FetchOptions = {
  /** Where the program shall be; it appears whole or not at all. */
  readonly target: string;
  readonly progress: (line: string) => void;
  readonly signal?: AbortSignal | undefined;
};

const infoUrl = 'https://temporal.download/cli/default';
const answerWithinMs = 4_000;
const fetchWithinMs = 180_000;

/** @throws Error with a reason in a few words; fails within seconds when there is no network */
export async function downloadTemporal(options: FetchOptions): Promise<void> {
  const archiveUrl = await askForArchive(options.signal);
  options.progress('downloading Temporal');
  const dir = dirname(options.target);
  await mkdir(dir, { recursive: true });
  const work = await mkdtemp(join(dir, 'download-'));
  try {
    const archive = join(work, 'temporal.tar.gz');
    await save(archiveUrl, archive, options.signal);
    await run('tar', ['-xzf', archive, '-C', work]);
    const program = join(work, 'temporal');
    await chmod(program, 0o755);
    await rename(program, options.target);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function askForArchive(signal: AbortSignal | undefined): Promise<string> {
  const query = new URLSearchParams({
    platform: process.platform,
    arch: process.arch === 'x64' ? 'amd64' : process.arch,
    'sdk-name': 'sdk-typescript',
    'sdk-version': '1.24.0',
  });
  let answer: unknown;
  try {
    const response = await fetch(`${infoUrl}?${query.toString()}`, {
      signal: limited(signal, answerWithinMs),
    });
    if (!response.ok) throw new Error(`it answered ${response.status}`);
    answer = await response.json();
  } catch {
    throw new Error('temporal.download cannot be reached');
  }
  const url = typeof answer === 'object' && answer !== null && 'archiveUrl' in answer ? answer.archiveUrl : undefined;
  if (typeof url !== 'string' || !url.startsWith('https://') || !url.endsWith('.tar.gz'))
    throw new Error('temporal.download offers no archive for this machine');
  return url;
}

async function save(url: string, file: string, signal: AbortSignal | undefined): Promise<void> {
  const response = await fetch(url, { signal: limited(signal, fetchWithinMs) });
  if (!response.ok || response.body === null) throw new Error(`the archive's server answered ${response.status}`);
  await pipeline(Readable.fromWeb(response.body), createWriteStream(file));
}

function limited(signal: AbortSignal | undefined, ms: number): AbortSignal {
  const limit = AbortSignal.timeout(ms);
  return signal === undefined ? limit : AbortSignal.any([signal, limit]);
}

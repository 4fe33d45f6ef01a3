/** Builds the Temporal CLI with Go, for networks that reach only Go modules. */
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';

import { onThePath } from './executables.ts';
import type { FetchOptions } from './temporal-download.ts';

/** The last tag whose go.mod holds no replace directive, which `go install` refuses. */
export const buildVersion = 'v1.5.1';
const limitMs = 20 * 60_000;
const usualMinutes = 4;
const tellEveryMs = 15_000;

/** Builds it. @throws Error with a reason in a few words */
export async function goInstallTemporal(
  options: FetchOptions & { readonly env: Readonly<Record<string, string | undefined>> },
): Promise<void> {
  const go =
    (await onThePath('go', options.env)) ?? (await onThePath('go', { PATH: '/usr/local/go/bin:/usr/lib/go/bin' }));
  if (go === undefined) throw new Error('Go is not installed');
  const dir = dirname(options.target);
  await mkdir(dir, { recursive: true });
  const work = await mkdtemp(join(dir, 'build-'));
  const begun = Date.now();
  const tell = (): void => {
    const minutes = (Date.now() - begun) / 60_000;
    options.progress(
      `building Temporal ${buildVersion} with Go, once: ${minutes.toFixed(1)} of about ${usualMinutes} minutes`,
    );
  };
  tell();
  const ticking = setInterval(tell, tellEveryMs);
  try {
    await goInstall(go, work, options);
    await rename(join(work, 'temporal'), options.target);
  } finally {
    clearInterval(ticking);
    await rm(work, { recursive: true, force: true });
  }
}

function goInstall(
  go: string,
  gobin: string,
  options: FetchOptions & { readonly env: Readonly<Record<string, string | undefined>> },
): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(go, ['install', `github.com/temporalio/cli/cmd/temporal@${buildVersion}`], {
      env: { ...options.env, GOBIN: gobin, GOFLAGS: '-mod=mod', CGO_ENABLED: '0' },
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: limitMs,
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    let lastLine = '';
    child.stderr.setEncoding('utf8');
    child.stderr.on('data', (text: string) => {
      lastLine = text.trim().split('\n').at(-1) || lastLine;
    });
    child.once('error', (error) => reject(new Error(error.message)));
    child.once('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(lastLine === '' ? `go install ended with ${code}` : lastLine));
    });
  });
}

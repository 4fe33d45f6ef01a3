/** The demo's Halo twins, held against the vendor's OpenAPI as those of other tests are. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { watchedTwin } from '#test/connectors/halo/valid-requests.ts';

/** For the environment of `ferry start`. */
export const watchingTwins: Readonly<Record<string, string>> = { HALO_TWIN_WATCH: watchedTwin.at(-1) ?? '' };

/** Of a Ferry that has been stopped: both what was asked of its twins, and that it was looked at. @param data its directory */
export async function assertAskedRightly(
  data: string,
  twins: readonly string[] = ['acme', 'northwind'],
): Promise<void> {
  for (const twin of twins) {
    const log = await readFile(join(data, 'logs', `${twin}.log`), 'utf8');
    const [, kinds = '0'] = [...log.matchAll(/"kindsOfRequests":(\d+)/g)].at(-1) ?? [];
    assert.ok(Number(kinds) > 5, `${twin} was asked ${kinds} kinds of requests`);
    assert.doesNotMatch(log, /outside the vendor's OpenAPI/, twin);
  }
}

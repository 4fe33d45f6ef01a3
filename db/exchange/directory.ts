/** Instances and their names between gateways, from the table of instances. */
import { sql } from 'drizzle-orm';
import type { Directory } from '#core/words/directory.ts';
import { reachOf } from '#core/words/reach.ts';
import { rows, type Db } from '#db/base/client.ts';

/** A new peer becomes known to every process within this time. Milliseconds. */
const freshMs = 2_000;

type Kept = { readonly at: number; readonly directory: Promise<Directory> };

/** Cached per connection; a transaction reads for itself. */
const kept = new WeakMap<object, Map<string, Kept>>();

/** @param knows bypasses the cache if the cached directory lacks this peer */
export async function loadDirectory(db: Db, publicUrl: string, knows?: string): Promise<Directory> {
  const known = kept.get(db)?.get(publicUrl);
  if (known !== undefined && performance.now() - known.at < freshMs) {
    const directory = await known.directory;
    if (knows === undefined || directory.peers.has(knows)) return directory;
  }
  const directory = read(db, publicUrl);
  const byUrl = kept.get(db) ?? new Map<string, Kept>();
  byUrl.set(publicUrl, { at: performance.now(), directory });
  kept.set(db, byUrl);
  // The caller that waits gets the error; the next one reads again.
  directory.catch(() => byUrl.delete(publicUrl));
  return directory;
}

async function read(db: Db, publicUrl: string): Promise<Directory> {
  const found = await rows<{ id: string; type: string; url: string }>(db, sql`select id, type, url from instances`);
  const isPeer = ({ type }: { readonly type: string }): boolean => reachOf(type) === 'peer';
  return {
    publicUrl: publicUrl.replace(/\/{1,50}$/, ''),
    peers: new Map(found.filter(isPeer).map(({ id, url }) => [id, url])),
    own: new Set(found.filter((one) => !isPeer(one)).map(({ id }) => id)),
  };
}

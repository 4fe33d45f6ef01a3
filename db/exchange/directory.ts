/** Instances by their names between gateways, from the table of instances. */
import { sql } from 'drizzle-orm';
import type { Directory } from '#core/words/directory.ts';
import { reachOf } from '#core/words/reach.ts';
import { rows, type Db } from '#db/base/client.ts';

/** A new peer is known to every process after this long at most. Milliseconds. */
const freshMs = 2_000;

type Kept = { readonly at: number; readonly directory: Promise<Directory> };

/** By connection: a transaction reads for itself. */
const kept = new WeakMap<object, Map<string, Kept>>();

/** @param knows an instance that must be in it where it is a peer: what was kept and lacks it is read anew */
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
  // Whoever waits hears of a failure; the next one asks again.
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

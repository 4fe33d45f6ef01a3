/** Chooses the id of a new link. */
import type { Db } from '#db/base/client.ts';
import { knownLinks } from '#db/links/link-life.ts';
import { isId } from '#operate/known.ts';
import { Refused } from '#operate/refused.ts';

/** Returns the requested id, which must be free, or else the default one, with a number if that is taken. @throws Refused wrong-id, link-exists */
export async function freeLinkId(db: Db, wanted: string | undefined, usual: string): Promise<string> {
  const taken = new Set(await knownLinks(db));
  if (wanted === undefined) {
    const base = usual.slice(0, 60);
    for (let number = 1; ; number += 1) {
      const id = number === 1 ? base : `${base}-${number}`;
      if (!taken.has(id)) return id;
    }
  }
  if (!isId(wanted))
    throw new Refused(
      'wrong-id',
      'wrong',
      `"${wanted}" can't be the id of a link; use lower-case letters, digits and hyphens, at most 63`,
    );
  if (taken.has(wanted))
    throw new Refused(
      'link-exists',
      'state',
      `the link "${wanted}" already exists; choose another id with --link, or check that one with ferry link check ${wanted}`,
    );
  return wanted;
}

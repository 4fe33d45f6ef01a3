/** Finds the subject of a verb, or suggests one that exists. */
import { suggestion } from '#core/words/nearest.ts';
import { isRemote } from '#core/words/reach.ts';
import type { Db } from '#db/base/client.ts';
import { knownLinks, loadLink, type LinkRow } from '#db/links/link-life.ts';
import { knownInstances } from '#db/operate/trace.ts';
import { loadInstance } from '#db/settings/instances.ts';
import { reaches } from './rights.ts';
import type { Operator } from './operator.ts';
import { Refused } from './refused.ts';

/** Requires a link. @throws Refused unknown-link, which names no link outside the actor's reach */
export async function linkOf({ db, actor }: Pick<Operator, 'db' | 'actor'>, id: string): Promise<LinkRow> {
  const link = await loadLink(db, id);
  if (link !== null) return link;
  const known = (await knownLinks(db)).filter((other) => reaches(actor, other));
  throw new Refused(
    'unknown-link',
    'unknown',
    `there is no link "${id}". ${known.length === 0 ? 'None is set up yet, see ferry apply and ferry link invite.' : suggestion(id, known)}`,
  );
}

/** Requires an instance. @param none what to do if there is no instance at all @throws Refused unknown-instance */
export async function assertInstance(
  db: Db,
  id: string,
  none = 'Set up your helpdesk first, see ferry apply.',
): Promise<void> {
  const known = await knownInstances(db);
  if (known.includes(id)) return;
  throw new Refused(
    'unknown-instance',
    'unknown',
    `there is no instance "${id}". ${known.length === 0 ? none : suggestion(id, known)}`,
  );
}

/** Requires an instance that this gateway drives. @throws Refused unknown-instance, not-local */
export async function assertDriven(db: Db, id: string): Promise<void> {
  await assertInstance(db, id);
  const instance = await loadInstance(db, id);
  if (instance === null || !isRemote(instance.type)) return;
  throw new Refused(
    'not-local',
    'state',
    `${id} represents another organisation's helpdesk; name one that this gateway drives`,
  );
}

const idForm = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** URLs, files and logs contain ids. */
export function isId(text: string): boolean {
  return idForm.test(text);
}

const uuidForm = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export function isUuid(text: string): boolean {
  return uuidForm.test(text);
}

/** Reads the status: instances, links, waiting and held deliveries. */
import { loadStatus, type Status } from '#db/operate/status.ts';
import type { Operator } from '#operate/operator.ts';
import { allow, reaches } from '#operate/rights.ts';

export type { LinkStatus, Status, WaitingStatus } from '#db/operate/status.ts';

/** Reads it, without links outside the actor's reach and their instances. */
export async function status(operator: Operator): Promise<Status> {
  allow(operator, 'status');
  const { db, actor } = operator;
  const found = await loadStatus(db);
  if (actor.reach === 'all') return found;
  const links = found.links.filter(({ id }) => reaches(actor, id));
  const instances = new Set(links.flatMap(({ customer, supplier }) => [customer, supplier]));
  return {
    ...found,
    links,
    instances: found.instances.filter(({ id }) => instances.has(id)),
    held: found.held.filter(({ link }) => reaches(actor, link)),
    waiting: found.waiting.filter(({ link }) => reaches(actor, link)),
    paused: found.paused.filter(({ link }) => reaches(actor, link)),
    rot: found.rot.filter(({ link }) => reaches(actor, link)),
  };
}

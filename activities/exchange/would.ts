/**
 * What would become of a delivery, by the code that carries, with nothing of it kept: no file is fetched, no ticket read
 * again, nothing written here or at a desk.
 */
import { shapeOf, type Would } from '#core/conversation/would.ts';
import type { Reading } from '#core/words/desk.ts';
import { isRemote } from '#core/words/reach.ts';
import type { SideSettings } from '#core/rules/settings.ts';
import type { Catalogue } from '#core/words/vocabulary.ts';
import { HelpdeskError } from '#connectors/contract/errors.ts';
import { createVersionCache } from '#db/settings/settings-in-force.ts';
import type { DeliveryContext } from '#db/carry/delivery-context.ts';
import type { DrivenDesk, WorkDeps } from '#activities/deps.ts';
import { decideHead, type DecideDeps } from '#activities/carry/decide-head.ts';
import { fitted } from '#activities/carry/fitted.ts';
import { mayLeave } from './prepare-action.ts';

/** What is to count as in force instead of what is: settings by `<link>/<side>`, catalogues by instance. */
export type AsIf = {
  readonly sides: ReadonlyMap<string, SideSettings>;
  readonly catalogues: ReadonlyMap<string, Catalogue>;
};

/** @param asThen as if nothing had happened at the receiving desk since the action was recorded */
export type WouldOf = (
  context: DeliveryContext,
  options: { readonly asIf?: AsIf; readonly asThen: boolean; readonly signal: AbortSignal },
) => Promise<Would>;

export type WouldDeps = Pick<WorkDeps, 'db' | 'texts' | 'publicUrl'> & {
  /** Of desks only what they take and the public thread of a ticket are asked. Throws HelpdeskError. */
  of(instance: string): Promise<DrivenDesk>;
};

export function createWouldOf({ db, texts, publicUrl, of }: WouldDeps): WouldOf {
  const stored = createVersionCache();
  const readOnce = createReadOnce(of);
  const still: Pick<DecideDeps, 'stage' | 'remember' | 'look'> = {
    stage: (_, files) => Promise.resolve({ files: [...files], failed: [] }),
    remember: () => Promise.resolve(),
    look: () => Promise.resolve(),
  };
  const desks = { of: async (instance: string) => ({ helpdesk: { read: readOnce(instance) } }) };
  return async (context, { asIf, asThen, signal }) => {
    const cache: WorkDeps['cache'] = {
      side: async (tx, side, version) => asIf?.sides.get(side) ?? stored.side(tx, side, version),
      catalogue: async (tx, instance, version) =>
        asIf?.catalogues.get(instance) ?? stored.catalogue(tx, instance, version),
    };
    const deps = { db, texts, publicUrl, cache, desks, ...still };
    const { to } = context;
    if (isRemote(to.type)) {
      const leaving = await mayLeave(deps, to.instance, context, signal);
      if (leaving.kind !== 'send') return { verdict: leaving.kind, reason: leaving.reason };
      const { outgoing } = leaving;
      return { verdict: 'leave', shape: shapeOf(outgoing), drops: outgoing.drops };
    }
    const { verdict } = await decideHead(deps, context, signal, { asThen });
    if (verdict.kind !== 'apply') return { verdict: verdict.kind, reason: verdict.reason };
    const desk = await of(to.instance).catch((error: unknown) => {
      // How long a text it takes is not known then; all else is.
      if (error instanceof HelpdeskError) return null;
      throw error;
    });
    if (desk === null) return { verdict: 'apply', command: verdict.command, drops: verdict.drops };
    const { command, drops } = await fitted({ db, cache }, desk, to, verdict.command);
    return { verdict: 'apply', command, drops: [...verdict.drops, ...drops] };
  };
}

/** Tickets whose threads are kept, so that what is decided twice is read once. */
const mostRead = 200;

/** An escalation whose desk can't be asked is shown without the thread of its ticket. */
function createReadOnce(of: WouldDeps['of']): (instance: string) => DrivenDesk['helpdesk']['read'] {
  const read = new Map<string, Promise<Reading>>();
  return (instance) => (ticket, since, signal) => {
    const key = JSON.stringify([instance, ticket, since]);
    const known = read.get(key);
    if (known !== undefined) return known;
    if (read.size >= mostRead) read.clear();
    const reading = of(instance)
      .then(({ helpdesk }) => helpdesk.read(ticket, since, signal))
      .catch((error: unknown): Reading => {
        if (error instanceof HelpdeskError) return { kind: 'gone' };
        throw error;
      });
    read.set(key, reading);
    return reading;
  };
}

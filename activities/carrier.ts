/**
 * Chooses how lanes to an instance are carried: written to a desk of ours, handed over to a peer, or offered to an API
 * client.
 */
import type { CarrierRun, Turned } from './turn.ts';
import { HelpdeskError } from '#connectors/contract/errors.ts';
import { reachOf } from '#core/words/reach.ts';
import type { DueLane } from '#db/carry/claim-lanes.ts';
import { loadInstance } from '#db/settings/instances.ts';
import { carryHead } from './carry/carry-head.ts';
import type { CarryDeps, StageDeps } from './carry/deps.ts';
import type { HandOverDeps } from './exchange/deps.ts';
import { handOver } from './exchange/hand-over.ts';
import { offer } from './exchange/offer.ts';
import { createPlaces, createSemaphore } from './desk/semaphore.ts';
import { createStage, type Stage } from './carry/stage.ts';

export type Carrier = {
  readonly name: string;
  /** How many lanes are carried in parallel. */
  readonly concurrency: number;
  /** Carries one turn of a lane. `lane.head` and `lane.place` are only valid if `fresh`. Throws InstanceTrouble. */
  carry(lane: DueLane, fresh: boolean): Promise<Turned>;
};

/** Returns a function that gives the current carrier: new credentials and options apply to the next turn. */
export type Carriers = (instance: string, run: CarrierRun) => Promise<() => Promise<Carrier>>;

/** What the carriers of all sorts need of a worker. */
export type CarrierDeps = CarryDeps & StageDeps & HandOverDeps;

/** Lanes to one peer or API client that are carried at once. */
const remoteConcurrency = 16;

export function createCarriers(deps: CarrierDeps): Carriers {
  // Shared by all drains of this process.
  const stage = createStage(deps);
  const putting = createPlaces(deps.limits.staging);
  return async (instance, run) => {
    const row = await loadInstance(deps.db, instance);
    if (row === null) throw new HelpdeskError('refused', 'unknown-instance', `There is no instance "${instance}".`);
    const { name } = row;
    const reach = reachOf(row.type);
    if (reach === 'peer') {
      const carrier: Carrier = {
        name,
        concurrency: remoteConcurrency,
        carry: (lane, fresh) =>
          handOver({ deps, stage, putting: putting(instance), instance, name, ...run }, lane, fresh),
      };
      return () => Promise.resolve(carrier);
    }
    if (reach === 'api') {
      const carrier: Carrier = {
        name,
        concurrency: remoteConcurrency,
        carry: (lane) => offer({ deps, stage, instance, name, ...run }, lane),
      };
      return () => Promise.resolve(carrier);
    }
    return deskCarrier(deps, stage, instance, run);
  };
}

function deskCarrier(
  deps: CarryDeps,
  stage: Stage,
  instance: string,
  { epoch, signal }: CarrierRun,
): () => Promise<Carrier> {
  const creating = createSemaphore(1);
  const oneAtATime = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    const release = await creating.acquire(signal);
    try {
      return await work();
    } finally {
      release();
    }
  };
  return async () => {
    const desk = await deps.desks.of(instance);
    return {
      name: desk.name,
      concurrency: desk.helpdesk.traits.concurrency,
      carry: async ({ mirror, head }, fresh) => ({
        carried: await carryHead(
          { deps, desk, stage, epoch, signal, oneAtATime },
          { mirror, to: instance },
          fresh ? head : null,
        ),
        actions: 1,
      }),
    };
  };
}

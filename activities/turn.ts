/** One turn of a lane: one delivery carried, and its result. */
import type { DeliveryContext } from '#db/carry/delivery-context.ts';
import type { LaneKey } from '#db/carry/lanes.ts';
import type { WorkDeps } from './deps.ts';

export type Promised = Map<number, string>;

export type Turn = {
  readonly deps: WorkDeps;
  readonly lane: LaneKey;
  readonly context: DeliveryContext;
  /** The epoch of the drain that carries it. */
  readonly epoch: number;
  /** The promises of the delivery's writes that this drain knows, by step. */
  readonly promised: Promised;
  /** Start, by performance.now(). Milliseconds. */
  readonly startedMs: number;
};

/** What happened to the head, or that another drain owns it now. */
export type Carried =
  /** The head has ended or was set aside: the next may follow. */
  | 'ended'
  /** The head has ended, and nothing follows it. */
  | 'ended-last'
  /** Nothing is waiting, or nothing before the lane's due time. */
  | 'rests'
  | 'lost';

export type Turned = {
  readonly carried: Carried;
  /** How many actions it carried, for the link's pace. */
  readonly actions: number;
};

export type CarrierRun = { readonly epoch: number; readonly signal: AbortSignal };

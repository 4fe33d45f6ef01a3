/** One turn of a lane: one delivery carried, and how it was left. */
import type { DeliveryContext } from '#db/carry/delivery-context.ts';
import type { LaneKey } from '#db/carry/lanes.ts';
import type { WorkDeps } from './deps.ts';

/** To say how a delivery was left. */
export type TurnDeps = Pick<WorkDeps, 'db' | 'cache' | 'wake' | 'report' | 'log'>;

export type Promised = Map<number, string>;

export type Turn = {
  readonly deps: TurnDeps;
  readonly lane: LaneKey;
  readonly context: DeliveryContext;
  /** Of the drain that speaks. */
  readonly epoch: number;
  /** The promises of the delivery's writes that this drain knows, by step. */
  readonly promised: Promised;
  /** By performance.now(). Milliseconds. */
  readonly startedMs: number;
};

/** How the head was left, and in whose drain. */
export type Carried =
  /** The head has ended, or was set aside: the next may follow. */
  | 'ended'
  /** The head has ended, and nothing was behind it. */
  | 'ended-last'
  /** Nothing waits, or not before the lane's due time. */
  | 'rests'
  | 'lost';

export type Turned = {
  readonly carried: Carried;
  /** How many it brought, for the link's pace. */
  readonly actions: number;
};

export type CarrierRun = { readonly epoch: number; readonly signal: AbortSignal };

/** One turn of a lane: how its head was left, and in whose drain. */
export type Carried =
  /** The head has ended, or was set aside: the next may follow. */
  | 'ended'
  /** The head has ended, and nothing was behind it. */
  | 'ended-last'
  /** Nothing waits, or not before the lane's due time. */
  | 'rests'
  | 'lost';

export type Turn = {
  readonly carried: Carried;
  /** How many it brought, for the link's pace. */
  readonly actions: number;
};

export type CarrierRun = { readonly epoch: number; readonly signal: AbortSignal };

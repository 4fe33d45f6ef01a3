/** Latency of one note at a time, measured by the clocks of both desks, which are the same clock. */
import type { DeskTicket } from '#twins/light/server.ts';
import type { DeskClient } from './desk-client.ts';
import { pause, watchArrivals, write, type Lane } from './load.ts';

export type LatencyOptions = {
  readonly near: DeskClient;
  readonly far: DeskClient;
  readonly lanes: readonly Lane[];
  readonly samples: number;
  /** Distinguishes this run's notes from others'. */
  readonly label: string;
  /** Awaited before each note. */
  readonly before?: () => Promise<void>;
};

export type Sample = {
  readonly near: string;
  /** The note's id at the near desk. */
  readonly externalId: string;
  /** Milliseconds since the epoch. */
  readonly saidAt: number;
  readonly arrivedAt: number;
};

export async function carryOneByOne(options: LatencyOptions): Promise<Sample[]> {
  const { near, far, lanes, label } = options;
  const arrivals = await watchArrivals(far);
  try {
    for (let n = 0; n < options.samples; n += 1) {
      const lane = lanes[n % lanes.length];
      if (lane === undefined) throw new Error('there is no ticket to write on');
      await (options.before ?? rest)();
      const arrived = arrivals.next(lane.far);
      await write(near, lane, `<p>${label} ${n}.</p>`);
      await arrived;
    }
  } finally {
    arrivals.stop();
  }
  return match(label, await near.dump(), await far.dump());
}

/**
 * Waits until everything that follows an arrival (the outcome, the end of a read) is over, as it is between two notes
 * of a person.
 */
function rest(): Promise<void> {
  return pause(20 + Math.random() * 20);
}

function match(label: string, near: readonly DeskTicket[], far: readonly DeskTicket[]): Sample[] {
  const token = new RegExp(`${label} \\d+\\.`);
  const arrived = new Map<string, number>();
  for (const action of far.flatMap((ticket) => ticket.actions)) {
    const found = token.exec(action.note ?? '');
    if (found !== null) arrived.set(found[0], Date.parse(action.at));
  }
  return near.flatMap((ticket) =>
    ticket.actions.flatMap((action) => {
      const key = token.exec(action.note ?? '')?.[0];
      const at = key === undefined ? undefined : arrived.get(key);
      if (at === undefined) return [];
      return [{ near: ticket.id, externalId: String(action.id), saidAt: Date.parse(action.at), arrivedAt: at }];
    }),
  );
}

export function took(samples: readonly Sample[]): number[] {
  return samples.map((sample) => sample.arrivedAt - sample.saidAt);
}

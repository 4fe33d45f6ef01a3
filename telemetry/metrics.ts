/**
 * The metrics of this process, and of the database that all processes share. The gauges of the database are the same at every
 * gateway and worker, so rules use `max by`. The label is `instance_id`, because Prometheus uses `instance` for its target.
 */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { AttemptSeen } from '#core/words/attempt.ts';
import type { Gauges } from '#db/operate/gauges.ts';
import { offsetOf } from './clock-offset.ts';

export type Metrics = {
  /** In Prometheus' text format. */
  text(): Promise<string>;
  readonly contentType: string;
  attempt(seen: AttemptSeen): void;
  /** Counts an answered request; `route` is the pattern, never a path. */
  request(route: string, status: number, seconds: number): void;
  signInRefused(why: string): void;
  /** Records how far an instance's clock is ahead of ours, by one of its replies; milliseconds, negative if behind. */
  clock(instance: string, aheadMs: number): void;
  close(): void;
};

export type MetricsDeps = {
  readonly version: string;
  readonly program: 'gateway' | 'worker';
  /** Reads the gauges of the database; rejects if it can't be read. */
  readonly loadGauges: () => Promise<Gauges>;
};

/** The database is asked at most once in this time, because several scrapers may ask. */
const keepMs = 2_000;
const patienceMs = 5_000;
/** The number of replies whose median is a clock's offset. */
const repliesKept = 15;
const seconds = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800, 7_200, 86_400];
const instanceStates = ['new', 'up', 'down', 'auth', 'key', 'other'];
const linkStates = ['pairing', 'active', 'suspended', 'quarantined', 'closing'];

export function createMetrics({ version, program, loadGauges }: MetricsDeps): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry, prefix: 'ferry_' });
  const counter = (name: string, help: string, labelNames: readonly string[]) =>
    new Counter({ name, help, labelNames: [...labelNames], registers });
  const histogram = (name: string, help: string, labelNames: readonly string[]) =>
    new Histogram({ name, help, labelNames: [...labelNames], registers, buckets: seconds });

  const info = gauge('ferry_info', 'Version and program; always 1.', ['version', 'program'], registers);
  info.set({ version, program }, 1);
  const attempts = counter('ferry_attempts_total', 'Tries to carry a delivery.', ['to', 'result']);
  const outcomes = counter('ferry_outcomes_total', 'Deliveries that ended.', ['link', 'to', 'outcome', 'reason']);
  const attemptSeconds = histogram('ferry_attempt_seconds', 'Duration of one try.', ['to']);
  const carrySeconds = histogram('ferry_carry_seconds', 'From logged to applied, or accepted by a peer.', ['to']);
  const requests = histogram('ferry_request_seconds', 'Requests answered by the gateway.', ['route', 'status']);
  const refused = counter('ferry_sign_ins_refused_total', 'Callers that were refused.', ['why']);
  const database = databaseGauges(registers);
  const offsets = new Map<string, number[]>();

  let last: { readonly at: number; readonly done: Promise<void> } | null = null;
  const refresh = (): Promise<void> => {
    if (last === null || performance.now() - last.at > keepMs)
      last = { at: performance.now(), done: within(patienceMs, loadGauges()).then(database.set, database.lost) };
    return last.done;
  };
  return {
    contentType: registry.contentType,
    async text() {
      await refresh();
      for (const [instance, recent] of offsets) database.clock.set({ instance_id: instance }, offsetOf(recent) / 1_000);
      return registry.metrics();
    },
    attempt({ link, to, result, reason, ms, waitedMs }) {
      attempts.inc({ to, result });
      attemptSeconds.observe({ to }, ms / 1_000);
      if (result === 'applied' || result === 'accepted') carrySeconds.observe({ to }, waitedMs / 1_000);
      if (result === 'applied' || result === 'skipped' || result === 'refused')
        outcomes.inc({ link, to, outcome: result, reason: reason ?? 'applied-as-is' });
    },
    request: (route, status, took) => requests.observe({ route, status: String(status) }, took),
    signInRefused: (why) => refused.inc({ why }),
    clock(instance, aheadMs) {
      const recent = offsets.get(instance);
      if (recent === undefined) offsets.set(instance, [aheadMs]);
      else if (recent.push(aheadMs) > repliesKept) recent.shift();
    },
    close: () => registry.clear(),
  };
}

function gauge(name: string, help: string, labelNames: readonly string[], registers: Registry[]): Gauge {
  return new Gauge({ name, help, labelNames: [...labelNames], registers });
}

function databaseGauges(registers: Registry[]) {
  const make = (name: string, help: string, ...labelNames: string[]) => gauge(name, help, labelNames, registers);
  const up = make('ferry_database_up', '1 while the database can be read.');
  const all = {
    waiting: make('ferry_deliveries_waiting', 'Deliveries that wait for an instance on active links.', 'to'),
    oldest: make('ferry_oldest_waiting_delivery_seconds', 'Age of the oldest of them; 0 where none waits.', 'to'),
    lanes: make('ferry_lanes_waiting', 'Lanes with something to carry.', 'to'),
    due: make('ferry_lanes_due', 'Lanes of which something is due now.', 'to'),
    unread: make('ferry_unread_seconds', 'Since the feed of an instance was last read.', 'instance_id'),
    state: make('ferry_instance_state', '1 for the state that an instance is in.', 'instance_id', 'state'),
    link: make('ferry_link_state', '1 for the state that a link is in.', 'link', 'state'),
    mirrors: make('ferry_mirrors', 'Mirrors that are opening or open.', 'link', 'state'),
    held: make('ferry_deliveries_held', 'Deliveries that wait for somebody.', 'link'),
    paused: make('ferry_mirrors_paused', 'Mirrors that are paused.', 'link'),
    hints: make('ferry_hints_waiting', 'Tickets that are to be read.'),
    notices: make('ferry_notices_open', 'Notices that are not over.'),
  };
  return {
    clock: make('ferry_clock_offset_seconds', 'Clock of an instance minus ours, by its replies.', 'instance_id'),
    set({ instances, links, hints, notices }: Gauges): void {
      for (const one of Object.values(all)) one.reset();
      up.set(1);
      all.hints.set(hints);
      all.notices.set(notices);
      for (const { instance, state, waiting, oldest, lanes, due, unread } of instances) {
        all.waiting.set({ to: instance }, waiting);
        all.oldest.set({ to: instance }, oldest);
        all.lanes.set({ to: instance }, lanes);
        all.due.set({ to: instance }, due);
        if (unread !== null) all.unread.set({ instance_id: instance }, unread);
        for (const name of instanceStates)
          all.state.set({ instance_id: instance, state: name }, name === state ? 1 : 0);
      }
      for (const { link, state, opening, open, paused, held } of links) {
        all.mirrors.set({ link, state: 'opening' }, opening);
        all.mirrors.set({ link, state: 'open' }, open);
        all.paused.set({ link }, paused);
        all.held.set({ link }, held);
        for (const name of linkStates) all.link.set({ link, state: name }, name === state ? 1 : 0);
      }
    },
    /** Clears old values, so that they do not look current. */
    lost(): void {
      for (const one of Object.values(all)) one.reset();
      for (const one of [all.hints, all.notices]) one.remove();
      up.set(0);
    },
  };
}

async function within<Result>(ms: number, work: Promise<Result>): Promise<Result> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error('no answer')), ms);
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

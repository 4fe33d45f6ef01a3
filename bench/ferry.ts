/** (b) Ferry, from the webhook at one desk to the change made at the other. */
import { sql } from 'drizzle-orm';
import { notifyLanes } from '#db/carry/couriers.ts';
import { rows } from '#db/base/client.ts';
import { courierId } from '#workflows/contract.ts';
import { cpuPerAction, startFederation, type Cpu, type Federation } from './federation.ts';
import { carryOneByOne, took, type Sample } from './latency.ts';
import { carryLoad, pause } from './load.ts';
import { percentiles, type Percentiles } from './numbers.ts';
import type { Services } from './services.ts';

/** Notes under way at the same time: enough to keep everything busy. */
export const inFlight = 64;
/** Enough that a ticket rests for seconds between two notes. */
export const openMirrors = 2_000;
export const warmUpSeconds = 4;
const inBacklog = 2;
export const warmUpNotes = 100;

export type Latency = {
  readonly awake: Percentiles;
  readonly asleep: Percentiles;
  /** Measured from the moment when the action is in the log. */
  readonly fromLog: { readonly awake: Percentiles; readonly asleep: Percentiles };
};

export type Load = { readonly perSecond: number; readonly cpu: Cpu };

/** Measures latency, one note at a time. */
export async function measureLatency(services: Services, samples: number): Promise<Latency> {
  const base = { services, customers: 1, mirrors: openMirrors };
  const calm = await startFederation({ ...base, label: 'awake' });
  let awake: Sample[];
  let awakeFromLog: Percentiles;
  try {
    // Without load and the polling that follows it. The first notes only warm up the code.
    await carryOneByOne({ ...calm, samples: warmUpNotes, label: 'First' });
    awake = await carryOneByOne({ ...calm, samples, label: 'Awake' });
    awakeFromLog = percentiles(await sinceLogged(calm, awake));
  } finally {
    await calm.stop();
  }
  const sleepy = await startFederation({ ...base, label: 'asleep', limits: { lingerMs: 100 } });
  try {
    const count = Math.max(Math.ceil(samples / 5), 5);
    const before = (): Promise<void> => untilAsleep(sleepy, 'north');
    await carryOneByOne({ ...sleepy, samples: 2, label: 'First', before });
    const asleep = await carryOneByOne({ ...sleepy, samples: count, label: 'Asleep', before });
    return {
      awake: percentiles(took(awake)),
      asleep: percentiles(took(asleep)),
      fromLog: { awake: awakeFromLog, asleep: percentiles(await sinceLogged(sleepy, asleep)) },
    };
  } finally {
    await sleepy.stop();
  }
}

export async function underLoad(federation: Federation, seconds: number, warmUp = warmUpSeconds): Promise<Load> {
  const marks: Cpu[] = [];
  const mark = async (): Promise<void> => void marks.push(await federation.cpu());
  const load = await carryLoad({ ...federation, inFlight, warmUp, seconds, mark });
  const [before, after] = marks;
  if (before === undefined || after === undefined) throw new Error('nothing was measured');
  return { perSecond: load.perSecond, cpu: cpuPerAction(before, after, load.arrived) };
}

/**
 * Measures the milliseconds from the log entry, by the database's clock, to the far desk, by its own. Both are the
 * clock of one machine.
 */
async function sinceLogged(federation: Federation, samples: readonly Sample[]): Promise<number[]> {
  const logged = await rows<{ key: string; at: number }>(
    federation.connection.db,
    sql`select ticket || '/' || external_id as key, (extract(epoch from logged_at) * 1000)::float8 as at from actions`,
  );
  const at = new Map(logged.map((row) => [row.key, row.at]));
  return samples.flatMap((sample) => {
    const since = at.get(`${sample.near}/${sample.externalId}`);
    return since === undefined ? [] : [Math.max(sample.arrivedAt - since, 0)];
  });
}

/** Measures actions that are in the log all at once, on all lanes, which shows how fast the courier alone is. */
export async function backlog(federation: Federation): Promise<number> {
  const { db } = federation.connection;
  const before = await federation.far.position();
  await db.transaction(async (tx) => {
    await tx.execute(sql`create temp table said on commit drop as
      select uuidv7() as action, m.id as mirror, m.first_instance, m.first_ticket, m.second_instance, n
      from mirrors m, generate_series(1, ${inBacklog}::int) n where m.state = 'open'`);
    await tx.execute(sql`insert into actions (id, instance, ticket, external_id, origin, at, author, audience, visibility, note, words, hash, via)
      select action, first_instance, first_ticket, 'backlog-' || n, first_instance, now(), '{"name":"Ann","role":"agent"}', 'user', 'visible',
        '<p>Backlog ' || n || '.</p>', '{"kind":"Note","fields":{}}', md5(action::text), array[first_instance] from said`);
    await tx.execute(sql`insert into deliveries (mirror, to_instance, seq, kind, action)
      select s.mirror, s.second_instance, l.last_seq + s.n, 'action', s.action
      from said s join lanes l on l.mirror = s.mirror and l.to_instance = s.second_instance`);
    await tx.execute(sql`update lanes l set last_seq = last_seq + ${inBacklog}, due_at = now()
      from (select distinct mirror, second_instance from said) s where l.mirror = s.mirror and l.to_instance = s.second_instance`);
  });
  const begun = performance.now();
  const count = federation.mirrors.length * inBacklog;
  await notifyLanes(db, ['north']);
  while ((await federation.far.position()) - before < count) {
    if (performance.now() - begun > 120_000) throw new Error('the backlog was not carried in two minutes');
    await pause(5);
  }
  return (count * 1000) / (performance.now() - begun);
}

/** Waits until the courier's drain has left: no lease is held, and no workflow runs. */
export async function untilAsleep(federation: Federation, instance: string): Promise<void> {
  const { connection, temporal } = federation;
  for (const by = performance.now() + 30_000; performance.now() < by; await pause(10)) {
    const [row] = await rows<{ free: boolean }>(
      connection.db,
      sql`select lease_until < now() as free from couriers where instance = ${instance}`,
    );
    if (row?.free !== true) continue;
    const state = await temporal.workflow
      .getHandle(courierId(instance))
      .describe()
      .then(
        (found) => found.status.name,
        () => 'NONE',
      );
    if (state === 'RUNNING') continue;
    // Lets everything that follows the last note finish as well.
    await pause(20);
    return;
  }
  throw new Error(`the courier of ${instance} did not go to sleep`);
}

/** Faults at PostgreSQL and on the lines to it, and at Temporal. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { World } from '#faults/world.ts';
import { allSeats, anySeat, type Fault } from './fault.ts';

/** The longest time for which a table is locked: Ferry still waits that long for a lock. In milliseconds. */
const longestLockMs = 6_000;
const lockable = ['lanes', 'deliveries', 'writes', 'tickets', 'attempts', 'hints', 'couriers', 'feeds', 'actions'];

export const postgresFaults: readonly Fault[] = [
  {
    name: 'kill-postgres',
    says: 'PostgreSQL crashes (SIGKILL)',
    area: 'postgres',
    async strike({ services }, ms, chance) {
      await services.killPostgres();
      await sleep(ms * chance.next() * 0.6);
      await services.startPostgres();
    },
  },
  {
    name: 'cut-backends',
    says: 'connections to PostgreSQL end at random',
    area: 'postgres',
    async strike(world, ms, chance) {
      const endMs = Date.now() + ms;
      await world.services.asRoot('postgres', async (sql) => {
        while (Date.now() < endMs) {
          await sql`select pg_terminate_backend(pid) from pg_stat_activity
            where datname = any(${databasesOf(world)}) and application_name like 'ferry%' and random() < 0.3`;
          await sleep(chance.between(50, 500));
        }
      });
    },
  },
  {
    name: 'slow-postgres',
    says: 'every packet to and from PostgreSQL is 40 to 290 ms late',
    area: 'postgres',
    async strike(world, ms, chance) {
      const delayMs = chance.between(40, 290);
      for (const { seat } of allSeats(world)) seat.line.delay(delayMs);
      await sleep(ms);
      for (const { seat } of allSeats(world)) seat.line.delay(0);
    },
  },
  {
    name: 'silent-postgres',
    says: 'a worker’s line to PostgreSQL is silent',
    area: 'postgres',
    async strike(world, ms, chance) {
      const { seat } = anySeat(world, chance);
      seat.line.set('silent');
      await sleep(ms);
      seat.line.set('whole');
    },
  },
  {
    name: 'cut-postgres',
    says: 'workers’ lines to PostgreSQL are cut again and again',
    area: 'postgres',
    async strike(world, ms, chance) {
      const endMs = Date.now() + ms;
      while (Date.now() < endMs) {
        const { seat } = anySeat(world, chance);
        seat.line.set('cut');
        await sleep(chance.between(200, 1_700));
        seat.line.set('whole');
        await sleep(chance.between(0, 500));
      }
    },
  },
  {
    name: 'read-only',
    says: 'PostgreSQL takes no writes',
    area: 'postgres',
    async strike(world, ms, chance) {
      const database = chance.pick(databasesOf(world));
      const turn = (how: 'on' | 'off'): Promise<void> =>
        world.services.asRoot('postgres', async (sql) => {
          await sql.unsafe(`alter database ${database} set default_transaction_read_only = ${how}`);
          await sql`select pg_terminate_backend(pid) from pg_stat_activity
            where datname = ${database} and application_name like 'ferry%'`;
        });
      await turn('on');
      await sleep(ms);
      await turn('off');
    },
  },
  {
    name: 'lock-table',
    says: 'a table is locked',
    area: 'postgres',
    async strike(world, ms, chance) {
      const table = chance.pick(lockable);
      await world.services.asRoot(chance.pick(databasesOf(world)), async (sql) => {
        await sql.begin(async (tx) => {
          await tx.unsafe(`lock table ${table} in access exclusive mode`);
          await sleep(Math.min(ms, longestLockMs));
        });
      });
    },
  },
];

function databasesOf({ sites }: World): string[] {
  return sites.map(({ database }) => database);
}

export const temporalFaults: readonly Fault[] = [
  {
    name: 'kill-temporal',
    says: 'Temporal is killed',
    area: 'temporal',
    async strike({ services }, ms) {
      await services.killTemporal();
      await sleep(ms);
      await services.startTemporal();
    },
  },
  {
    name: 'freeze-temporal',
    says: 'Temporal is frozen',
    area: 'temporal',
    async strike({ services }, ms) {
      services.freezeTemporal();
      await sleep(ms);
      services.thawTemporal();
    },
  },
  {
    name: 'wipe-temporal',
    says: 'Temporal loses everything',
    area: 'temporal',
    async strike(world, ms) {
      await world.services.killTemporal();
      await world.services.wipeTemporal();
      await sleep(ms * 0.5);
      await world.services.startTemporal();
      await registered(world);
    },
  },
];

/** Registers the namespaces, as somebody who sets up Temporal again would do. */
async function registered({ sites }: World): Promise<void> {
  for (const site of sites) await site.registerNamespace();
}

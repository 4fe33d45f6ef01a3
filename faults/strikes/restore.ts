/** A database that is restored to an earlier state, and the operator who looks after it. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Site } from '#faults/site.ts';
import type { World } from '#faults/world.ts';
import type { Fault } from './fault.ts';

const stopWithinMs = 25_000;
/** Ferry must have noticed within this time, so that its links can be resumed. In milliseconds. */
const noticedWithinMs = 60_000;

export const restoreFaults: readonly Fault[] = [
  {
    name: 'restore-database',
    says: 'the database is put back to a backup, and its operator resumes the links',
    area: 'restore',
    async strike(world, ms, chance) {
      const site = chance.pick(world.sites);
      const backup = `${site.database}_backup_${chance.below(1_000_000)}`;
      await world.services.copyDatabase(site.database, backup);
      await sleep(ms);
      await site.gateway()?.stop();
      await Promise.all(site.workers.map(async (seat) => seat.program()?.stop(stopWithinMs)));
      await world.services.asRoot('postgres', async (sql) => {
        await sql`drop database ${sql(site.database)} with (force)`;
      });
      await world.services.copyDatabase(backup, site.database);
      await site.startGateway();
      await Promise.all(site.workers.map((seat) => seat.start()));
      await resumed(world, site);
    },
  },
];

/** Does what the notice asks of the person on duty. */
async function resumed({ pairs }: World, site: Site): Promise<void> {
  const deadline = Date.now() + noticedWithinMs;
  for (const { link } of pairs) {
    for (;;) {
      const { code, text } = await site.ferry('link', 'resume', link, '--yes');
      if (code === 0) break;
      if (Date.now() > deadline) throw new Error(`ferry link resume ${link} ended with ${code}: ${text}`);
      await sleep(500);
    }
  }
}

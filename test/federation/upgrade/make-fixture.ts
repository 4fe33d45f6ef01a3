/**
 * Makes the fixture of upgrade.test.ts: runs a federation, kills its worker in the middle of the work, and writes down
 * the database and the desks. To be run with the code of the version whose database is wanted; see README.md.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import postgres from 'postgres';
import { opened, startRig, type RigDesk } from '#test/federation/rig.ts';
import { until } from '#test/support/wait.ts';

const [directory] = process.argv.slice(2);
if (directory === undefined) throw new Error('usage: make-fixture.ts DIRECTORY');

const rig = await startRig('fixture');
const sql = postgres(rig.database.url, { max: 1 });
try {
  const desk = (id: string): Promise<RigDesk> => rig.desk(id, { settleMs: 500, writeTimeoutMs: 6_000 });
  const acme = await desk('acme');
  const north = await desk('north');
  const south = await desk('south');
  await rig.link('acme-north', 'acme', 'north');
  // What north has applied travels on to south, so that a third desk has markers too.
  await rig.link('north-south', 'north', 'south', { customer: { outbound: { actions: ['Note'], relay: 'all' } } });
  // A poll would see the write whose reply was lost, and settle it; hints name the tickets to be read.
  const worker = await rig.spawnWorker({ pollMs: 600_000 });
  await rig.live();

  // What is finished: settled writes, echoes, receipts, a refusal, a note that stays at its desk.
  const pairs: { readonly ticket: string; readonly far: string }[] = [];
  for (let n = 0; n < 7; n += 1) pairs.push(await opened(acme, north));
  for (const [n, { ticket, far }] of pairs.entries()) {
    await acme.note(ticket, `<p>past ${n} of acme</p>`);
    await north.note(far, `<p>past ${n} of north</p>`);
    await acme.act(ticket, { kind: 'Private', note: `<p>past ${n} for the team</p>`, visible: false });
  }
  const [relayed] = pairs;
  if (relayed === undefined) throw new Error('no pair');
  await north.escalate(relayed.far, '<p>on to south</p>');
  await until(() => north.ticket(relayed.far).reference ?? undefined, { what: 'the ticket at south' });
  await north.fault({ on: 'action', kind: 'refuse', times: 1, noteHas: 'past refused' });
  await acme.note(pairs[6]?.ticket ?? '', '<p>past refused</p>');
  await rig.settled();

  // What is under way when it stops.
  const last = async (on: RigDesk, ticket: string, kind: 'lose-reply' | 'hang', note: string): Promise<void> => {
    await on.fault({ on: 'action', kind, times: 1, noteHas: note });
    await (on === north ? acme : north).note(ticket, `<p>${note}</p>`);
  };
  const far = (n: number): string => pairs[n]?.far ?? '';
  const near = (n: number): string => pairs[n]?.ticket ?? '';
  const begun: Promise<void>[] = [
    last(north, near(0), 'lose-reply', 'doubt zero'),
    last(north, near(1), 'lose-reply', 'doubt one'),
    last(north, near(2), 'hang', 'doubt two'),
    last(north, near(3), 'hang', 'doubt three'),
    last(acme, far(4), 'lose-reply', 'doubt four'),
    last(acme, far(5), 'hang', 'doubt five'),
  ];
  for (const [kind, note] of [
    ['lose-reply', 'doubt opened'],
    ['hang', 'doubt unopened'],
  ] as const) {
    await north.fault({ on: 'open', kind, times: 1, noteHas: note });
    const ticket = await acme.open();
    await acme.escalate(ticket, `<p>${note}</p>`);
    await acme.note(ticket, `<p>behind ${note}</p>`);
  }
  await Promise.all(begun);
  for (const [n, { ticket, far: there }] of pairs.entries()) {
    for (const which of ['first', 'second']) {
      // The ticket that has the write in doubt is left alone, since a look at it would end the doubt.
      if (n < 4 || n === 6) await acme.note(ticket, `<p>${which} behind ${n} of acme</p>`);
      if (n >= 4) await north.note(there, `<p>${which} behind ${n} of north</p>`);
    }
  }
  await until(
    async () => {
      const [row] = await sql`select
        (select count(*)::int from writes where state = 'open') as open,
        (select count(*)::int from deliveries where outcome is null) as waiting`;
      const marked = [acme, north].flatMap(({ desk }) =>
        [...desk.tickets.values()].flatMap((ticket) => [
          ticket.description,
          ...ticket.actions.flatMap(({ marker, note }) => (marker === undefined ? [] : [note ?? ''])),
        ]),
      );
      const shown = ['doubt zero', 'doubt one', 'doubt four', 'doubt opened'];
      const isDone = shown.every((text) => marked.some((note) => note.includes(text)));
      return isDone && row?.['open'] === 8 && row['waiting'] >= 20 ? true : undefined;
    },
    { what: 'eight open writes with others queued after them' },
  );
  await worker.kill9();
  // What nobody has read when Ferry comes back.
  for (const [n, { ticket, far: there }] of pairs.entries()) {
    await acme.note(ticket, `<p>unread ${n} of acme</p>`);
    await north.note(there, `<p>unread ${n} of north</p>`);
  }

  await mkdir(directory, { recursive: true });
  await writeFile(join(directory, 'database.sql'), await dump());
  const desks = Object.fromEntries(
    [acme, north, south].map(({ id, desk: { tickets } }) => [id, [...tickets.values()]]),
  );
  await writeFile(
    join(directory, 'desks.json'),
    `${JSON.stringify({ stoppedAt: new Date().toISOString(), desks }, null, 1)}\n`,
  );
} finally {
  await sql.end();
  await rig.close();
}

/** Each row as a separate insert, ordered by the tables' names and the rows' text. */
async function dump(): Promise<string> {
  const lines: string[] = [];
  const tables = await sql`select c.relname as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'public' and c.relkind in ('r', 'p') and not c.relispartition order by 1`;
  for (const { name } of tables) {
    if (name === 'gateway') continue;
    // The credentials are sealed with a key that ends with this program.
    const found =
      await sql`select format('insert into %I select * from json_populate_record(null::%I, %L);', ${name}::text, ${name}::text, line) as line
      from (select (to_jsonb(t) || case when ${name} = 'instances' then '{"credentials": ""}'::jsonb else '{}'::jsonb end)::text as line
        from ${sql(String(name))} t) lines order by line`;
    lines.push(...found.map(({ line }) => String(line)));
  }
  return `${lines.join('\n')}\n`;
}

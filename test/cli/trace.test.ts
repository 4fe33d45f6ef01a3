import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { sql } from 'drizzle-orm';
import { until } from '#test/support/wait.ts';
import { ids, plantTickets } from './log.ts';
import { ferry } from './run.ts';
import { goodYaml, openBench } from './support.ts';
import type { Bench } from './support.ts';

let bench: Bench;
before(async () => {
  bench = await openBench();
  await bench.apply(goodYaml);
  await plantTickets(bench.connection);
});
after(() => bench.close());

const golden = `acme 1001 ⇄ northwind NW-24018 · link acme-northwind · open
  https://acme.example/1001
  https://northwind.example/24018

2026-03-01
09:00:00.100  acme 1001  agent "Escalate to MSP" (note for desks, status, field Scope, 1 file, seen after 50 ms)
              → northwind NW-24018: escalation applied in 412 ms at 09:00:00.562, 2 attempts
                  as: "Log", note visible there, status "New"
                  left out: The status "With supplier" is not mapped. [unmapped-status]
                  write 1: seen there after 200 ms
                  write 2: seen there after 60 ms
                  HH:MM:SS.mmm retry in 120 ms, trouble
                  HH:MM:SS.mmm applied in 200 ms
              ↩ acme 1001: receipt (applied, it is NW-24018) applied in 138 ms at 09:00:00.700
09:00:00.600  northwind 24018  automation
              not carried: The automation of northwind did this in response to Ferry's write. It is recorded but not carried. Nothing to do. [consequence]
09:05:00.000  northwind 24018  agent "Update" (note for desks, seen after 20 ms)
              → acme 1001: refused in 96 ms at 09:05:00.116
                  because: Acme refused it, in its words: You do not have access to this action at the moment [refused-by-desk]
09:06:00.000  northwind 24018  agent "Private" (note for team, seen after 20 ms)
              not carried: This note is hidden at the other desk, and a supplier's hidden notes stay with its team. Use an action that is visible. [hidden]
09:07:00.000  northwind 24018  agent "Indirect email" (note for desks, seen after 20 ms)
              → acme 1001: held
                  because: This would mail the end user now what was written at 09:07. [late-mail]
                  ferry release ${ids.held}  or  ferry skip ${ids.held}
`;

test('a trace shows both sides: who, what, where to, how long, and why not', async () => {
  const { code, out, err } = await ferry(['trace', 'acme', '1001', '--database', bench.url]);
  assert.equal(err, '');
  assert.equal(code, 0);
  const steady = out.replaceAll(/ {18}\d\d:\d\d:\d\d\.\d{3} (retry|applied)/g, `${' '.repeat(18)}HH:MM:SS.mmm $1`);
  assert.equal(steady, golden);
});

test('a trace is the same from either side, by id or by number', async () => {
  const one = await ferry(['trace', 'acme', '#1001', '--database', bench.url]);
  for (const ticket of ['24018', 'nw-24018', '#24018'])
    assert.equal((await ferry(['trace', 'northwind', ticket, '--database', bench.url])).out, one.out);
});

test('a ticket without a mirror is traced by its ids and the reason', async () => {
  const { code, out } = await ferry(['trace', 'acme', '1002', '--database', bench.url]);
  assert.equal(code, 0);
  assert.match(out, /^acme 1002: not mirrored with another desk\n/);
  assert.match(
    out,
    /10:00:00\.000 {2}acme 1002 {2}somebody .*\n +not carried: This ticket is not mirrored .*\[no-mirror\]/,
  );
});

test('names and texts of notes are shown only with --notes', async () => {
  for (const more of [[], ['--json']]) {
    const { out } = await ferry(['trace', 'acme', '1001', '--database', bench.url, ...more]);
    assert.doesNotMatch(out, /planted|Dana|Lena/);
  }
  const { out } = await ferry(['trace', 'acme', '1001', '--database', bench.url, '--notes']);
  assert.match(out, /agent Dana "Escalate to MSP"/);
  assert.match(out, /\| planted note of Dana/);
});

test('the JSON of a trace has every action, delivery, attempt and reason', async () => {
  const { out } = await ferry(['trace', 'acme', '1001', '--database', bench.url, '--json']);
  assert.equal(out.split('\n').length, 2);
  const timeline = JSON.parse(out) as {
    mirrors: { supplier: { number: string } }[];
    entries: { role: string; deliveries: { state: string; attempts: unknown[]; tells: unknown }[] }[];
  };
  assert.equal(timeline.mirrors[0]?.supplier.number, 'NW-24018');
  assert.deepEqual(
    timeline.entries.map(({ deliveries }) => deliveries.map(({ state }) => state)),
    [['applied', 'applied'], [], ['refused'], [], ['held']],
  );
  assert.equal(timeline.entries[0]?.deliveries[0]?.attempts.length, 2);
});

test('of many attempts a trace shows the first and the last, its JSON all of them', async () => {
  const attempts = Array.from({ length: 30 }, (_, n) => n);
  for (const n of attempts)
    await bench.connection.db.execute(
      sql`insert into attempts (delivery, at, duration_ms, result, reason)
        values (${ids.held}, now() - make_interval(secs => ${100 - n}), ${n + 1}, 'retry', '{"code":"trouble","text":"Trouble."}')`,
    );
  const { out } = await ferry(['trace', 'acme', '1001', '--database', bench.url]);
  const shown = [...out.matchAll(/ retry in (\d+) ms, trouble$/gm)].map(([, ms]) => Number(ms));
  assert.deepEqual(shown.slice(-5), [1, 2, 28, 29, 30]);
  assert.match(out, /… 25 more; --json has all of them\n/);
  const json = await ferry(['trace', 'acme', '1001', '--database', bench.url, '--json']);
  const { entries } = JSON.parse(json.out) as { entries: { deliveries: { id: string; attempts: unknown[] }[] }[] };
  const held = entries.flatMap(({ deliveries }) => deliveries).find(({ id }) => id === ids.held);
  assert.equal(held?.attempts.length, 30);
});

test('an unknown instance or ticket is answered in words', async () => {
  const instance = await ferry(['trace', 'acmee', '1', '--database', bench.url]);
  assert.equal(instance.code, 1);
  assert.match(instance.err, /^ferry: there is no instance "acmee"\. Did you mean "acme"\? \[unknown-instance\]\n$/);
  const ticket = await ferry(['trace', 'acme', '99', '--database', bench.url]);
  assert.equal(ticket.code, 1);
  assert.match(ticket.err, /seen nothing of ticket "99" of acme/);
  assert.equal(ticket.out, '');
});

test('a trace that follows prints what is new, once, until it is stopped', async () => {
  const stop = new AbortController();
  let out = '';
  const following = ferry(['trace', 'acme', '1002', '--database', bench.url, '--follow'], {
    signal: stop.signal,
    out: (text) => void (out += text),
  });
  await until(() => out.includes('no-mirror'), { what: 'the first entry' });
  await bench.connection.db
    .execute(sql`insert into actions (instance, ticket, external_id, origin, at, audience, visibility, hash, via, reason)
    values ('acme', '1002', '2', 'acme', '2026-03-01T11:00:00Z', 'team', 'unknown', 'h9', '{acme}', 'no-mirror')`);
  await until(() => out.includes('11:00:00.000'), { what: 'the new entry' });
  stop.abort();
  assert.equal((await following).code, 0);
  assert.equal(out.match(/10:00:00\.000/g)?.length, 1);
});

test('text that would move the cursor of a terminal is shown, not obeyed', async () => {
  await bench.connection.db
    .execute(sql`insert into actions (instance, ticket, external_id, origin, at, audience, visibility, words, hash, via)
    values ('acme', '1003', '1', 'acme', now(), 'team', 'unknown', ${JSON.stringify({ kind: 'red \u001B[31m\u202Etxt', fields: {} })}::jsonb, 'h', '{acme}')`);
  const { out } = await ferry(['trace', 'acme', '1003', '--database', bench.url]);
  assert.match(out, /red \\u001b\[31m\\u202etxt/);
});

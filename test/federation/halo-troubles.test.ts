import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { loadStatus, type InstanceStatus } from '#db/operate/status.ts';
import { never, until } from '#test/support/wait.ts';
import { pollMs, startDeskRig, type DeskRig } from './desk-rig.ts';
import { acmeNames, farOf, mayWiden, northwindNames, startPair, type Pair } from './halo-pair.ts';

const { noteToSupplier } = acmeNames.outcomes;
const { update } = northwindNames.outcomes;

for (const profile of ['usual', 'other'] as const)
  describe(`two Halos when things are wrong (${profile} answers)`, () => {
    let rig: DeskRig;
    let down: Pair;
    let auth: Pair;
    let slow: Pair;
    let limited: Pair;
    let shadow: Pair;
    let early: Pair;
    let earlyTicket: number;
    before(async () => {
      rig = await startDeskRig(`troubles_${profile}`);
      down = await startPair(rig, { profile, prefix: 'down-', north: { keeps: true } });
      auth = await startPair(rig, { profile, prefix: 'auth-' });
      slow = await startPair(rig, { profile, prefix: 'slow-' });
      limited = await startPair(rig, {
        profile,
        prefix: 'limited-',
        options: { rate: { requests: 40, windowMs: 3_000 } },
      });
      shadow = await startPair(rig, {
        profile,
        prefix: 'shadow-',
        change: (_file, link) => void (link.mode = 'shadow'),
      });
      early = await startPair(rig, {
        profile,
        prefix: 'early-',
        async before({ dana, logged }) {
          earlyTicket = await logged({ summary: 'From before' });
          await dana(earlyTicket, acmeNames.outcomes.escalate, '<p>old mark</p>', { supplier: acmeNames.supplier });
          await dana(earlyTicket, noteToSupplier, '<p>old note</p>');
        },
      });
      await down.north.down();
      await rig.startWorker();
      await rig.live(
        ...[auth, slow, limited, shadow, early].flatMap(({ desks }) => desks.map(({ id }) => id)),
        down.acme.id,
      );
    });
    after(() => rig.close());

    const instance = async (id: string): Promise<InstanceStatus> => {
      const found = (await loadStatus(rig.connection.db)).instances.find((one) => one.id === id);
      assert.ok(found !== undefined);
      return found;
    };

    it('starts although a desk is down, says so, and carries what waited when it is back', async () => {
      const ticket = await down.logged();
      await down.escalate(ticket);
      const said = await until(
        async () => {
          const found = await instance(down.north.id);
          return found.state === 'down' ? found : undefined;
        },
        { what: 'Northwind to be known as down', timeoutMs: 30_000 },
      );
      assert.match(said.reason ?? '', /could not take it for now.*Ferry retries/i);
      await down.north.up();
      const far = await farOf(down.acme, ticket, 90_000);
      assert.equal((await down.north.ticket(far)).summary, 'VPN drops');
      await until(async () => (await instance(down.north.id)).state === 'up', {
        what: 'Northwind to be up',
        timeoutMs: 60_000,
      });
    });

    it('shows wrong credentials as `auth`, does not retry in a hot loop, and continues when they are right', async () => {
      const { ticket, far } = await auth.escalated();
      await rig.settled(auth.desks);
      // As if somebody had renewed the secret at the desk alone; nobody asks what the file says.
      await auth.apply({ AUTH_NORTHWIND_CLIENT_SECRET: 'not-the-secret' }, { unchecked: true });
      await until(async () => (await instance(auth.north.id)).state === 'auth', {
        what: 'the state auth',
        timeoutMs: 30_000,
      });
      await auth.dana(ticket, noteToSupplier, '<p>while locked out</p>');
      const said = await until(
        async () => {
          const found = await instance(auth.north.id);
          return found.retry_at === null ? undefined : found;
        },
        { what: 'the courier to stand back', timeoutMs: 30_000 },
      );
      assert.match(said.reason ?? '', /does not accept Ferry's credentials.*Renew them/);
      assert.ok(Date.parse(said.retry_at ?? '') - Date.now() > 10 * 60_000, 'tried again in 15 minutes');

      await auth.north.people.clearRequests();
      for (let n = 0; n < 5; n += 1) await auth.dana(ticket, noteToSupplier, `<p>more ${n}</p>`);
      await auth.lena(far, update, '<p>from the locked desk</p>');
      await never(async () => (await auth.north.people.requests()).total > 1, {
        what: 'more than one request to a desk that refuses our credentials',
        forMs: 1.5 * pollMs,
      });

      await auth.apply();
      await auth.north.note(far, 'more 4', 60_000);
      await auth.acme.note(ticket, 'from the locked desk', 60_000);
      await rig.settled(auth.desks);
      assert.equal((await instance(auth.north.id)).state, 'up');
    });

    it('waits as long as a desk that is over its limit asks for', async () => {
      const { ticket, far } = await slow.escalated();
      await rig.settled(slow.desks);
      await slow.north.people.clearRequests();
      const match = { method: 'POST', path: '^/api/actions' };
      await slow.north.people.fault({ kind: '429', retryAfter: 3, match });
      await slow.dana(ticket, noteToSupplier, '<p>patience</p>');
      await slow.north.note(far, 'patience');
      const { requests } = await slow.north.people.requests();
      const refusedAt = requests.find(({ status }) => status === 429)?.at ?? Number.NaN;
      const next = requests.find(({ at }) => at > refusedAt);
      assert.ok((next?.at ?? 0) - refusedAt >= 3_000, `asked again after ${(next?.at ?? 0) - refusedAt} ms`);
      assert.equal(requests.filter(({ status }) => status === 429).length, 1);
    });

    it('never goes over a desk’s request limit, and still brings everything, in order', async () => {
      const { ticket, far } = await limited.escalated();
      await rig.settled(limited.desks);
      await limited.north.people.rateLimit({ limit: 40, windowMs: 3_000, retryAfter: true });
      await limited.north.people.clearRequests();
      const notes = Array.from({ length: 12 }, (_, n) => `limited ${String(n).padStart(2, '0')}`);
      for (const note of notes) await limited.dana(ticket, noteToSupplier, `<p>${note}</p>`);
      await limited.north.note(far, notes.at(-1) ?? '', 90_000);
      const arrived = (await limited.north.ticket(far)).actions
        .map(({ note }) => note)
        .filter((note) => note.startsWith('limited'));
      assert.deepEqual(arrived, notes);
      const { requests } = await limited.north.people.requests();
      assert.deepEqual(
        requests.filter(({ status }) => status === 429).map(({ path }) => path),
        [],
      );
      await limited.north.people.rateLimit({ limit: 0 });
    });

    it('writes nothing in shadow mode, and traces what it would have done', async () => {
      const ticket = await shadow.logged();
      const before = await shadow.acme.ticket(ticket);
      await shadow.escalate(ticket, { note_html: '<p>only a shadow</p>' });
      await shadow.dana(ticket, noteToSupplier, '<p>and its follower</p>');
      await rig.settled(shadow.desks);
      for (const desk of shadow.desks) {
        const { counts } = await desk.people.requests();
        assert.deepEqual(
          Object.keys(counts).filter((key) => key.startsWith('POST /api')),
          [],
          desk.id,
        );
      }
      const seen = await shadow.acme.ticket(ticket);
      assert.deepEqual([seen.supplier_reference, seen.actions.length], [before.supplier_reference, 2]);
      const timeline = await rig.trace(shadow.acme.id, ticket);
      const reasons = timeline.entries.flatMap(({ deliveries }) => deliveries.map(({ reason }) => reason));
      assert.deepEqual(
        reasons.map((reason) => reason?.code),
        ['shadow', 'shadow'],
      );
      assert.match(reasons[0]?.text ?? '', /It would have been applied as a new ticket/);
      assert.match(reasons[1]?.text ?? '', /It would have been applied as "Internal Note"/);
      assert.equal(timeline.mirrors[0]?.mode, 'shadow');
    });

    it('opens a ticket for what was escalated in shadow mode when it is escalated again after going live', async () => {
      const ticket = await shadow.logged({ summary: 'Real now' });
      await shadow.escalate(ticket);
      await rig.settled(shadow.desks);
      await shadow.change((_file, link) => void (link.mode = 'live'));
      assert.equal((await rig.trace(shadow.acme.id, ticket)).mirrors[0]?.closeReason, 'shadow-ended');
      await shadow.escalate(ticket);
      const far = await farOf(shadow.acme, ticket);
      assert.equal((await shadow.north.ticket(far)).summary, 'Real now');
    });

    it('does not carry what lies before go-live, nor fire a mark that was set before', async () => {
      const seeded = (await early.north.people.tickets()).length;
      await early.dana(earlyTicket, noteToSupplier, '<p>first after go-live</p>');
      await rig.settled(early.desks);
      assert.equal((await early.north.people.tickets()).length, seeded);
      const timeline = await rig.trace(early.acme.id, earlyTicket);
      assert.deepEqual(
        timeline.entries.map(({ reason }) => reason?.code),
        ['no-mirror'],
      );
      const { far } = await early.escalated({ summary: 'From after' });
      assert.equal((await early.north.ticket(far)).summary, 'From after');
      assert.doesNotMatch(JSON.stringify(await early.north.ticket(far)), /old (mark|note)/);
    });

    it('keeps every invariant', () => rig.check({ mayWiden }));

    it('leaves no secret in the log', () => {
      assert.doesNotMatch(rig.log(), /demo-secret|not-the-secret/);
    });
  });

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { after, afterEach, before, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { isSignedBy } from '#protocols/ferry/provenance.ts';
import { canonicalConstant } from '#core/log/constant.ts';
import type { Attachment, ConstantPart } from '#core/words/vocabulary.ts';
import { rows } from '#db/base/client.ts';
import { setLinkState } from '#db/links/link-life.ts';
import { until } from '#test/support/wait.ts';
import { startHandOver, type HandOverRig } from './hand-over-rig.ts';

describe('handing over to another gateway', () => {
  let rig: HandOverRig;
  before(async () => {
    rig = await startHandOver('hand_over');
  });
  after(() => rig.close());
  afterEach(async () => {
    rig.peer.asked.length = 0;
    rig.peer.refuses.clear();
    await rig.db.execute(sql`update links set state = 'active', state_reason = null`);
    await rig.db.execute(sql`update couriers set retry_at = null, failures = 0`);
    await rig.db.execute(sql`update lanes set due_at = null`);
  });

  it('opens with the escalation alone, then sends what follows in one request, signed by its origin', async () => {
    const mirror = await rig.escalated();
    for (let n = 1; n <= 5; n += 1) await rig.said(mirror, `<p>note ${n}</p>`);
    await rig.drain();
    const posts = rig.peer.asked.filter(({ method }) => method === 'POST').map(({ path }) => path);
    assert.deepEqual(posts, ['/v1/supplier/tickets', `/v1/supplier/tickets/${mirror}/actions`]);
    const taken = rig.peer.taken.get(mirror) ?? [];
    assert.deepEqual(
      taken.map(({ seq, action }) => [seq, action.after]),
      [1, 2, 3, 4, 5, 6].map((seq) => [seq, seq - 1]),
    );
    const [opening] = taken;
    assert.equal(opening?.action.escalation?.summary, 'VPN drops every hour');
    assert.equal(opening.action.constant.origin, 'http://ferry.test/i/acme');
    assert.deepEqual(opening.action.via, ['http://ferry.test/i/acme']);
    assert.deepEqual(opening.action.ticket, { id: '1', number: '#1', url: 'http://acme.test/1', closed: false });
    for (const { action } of taken) {
      const text = canonicalConstant(action.constant as ConstantPart);
      assert.ok(await isSignedBy(text, action.signature ?? '', action.key ?? {}));
      assert.ok(!(await isSignedBy(`${text} `, action.signature ?? '', action.key ?? {})));
    }
    const ours = await rig.deliveries(mirror);
    assert.deepEqual(
      ours.map(({ action, sent_hash: hash }) => [action, hash]),
      taken.map(({ id, hash }) => [id, hash]),
    );
    assert.ok(ours.every(({ accepted, outcome, sent }) => accepted && outcome === null && sent === null));
    assert.deepEqual(await rig.lane(mirror), { sent: 6, acked: 6, due: false, parked: false, due_in_ms: null });
  });

  it('says the same when an answer was lost, even where the settings have changed meanwhile', async () => {
    const mirror = await rig.escalated('2');
    await rig.drain();
    await rig.said(
      mirror,
      '<p>Fine again.</p><p>On Monday, 16 November, Petra wrote:</p><blockquote>Is it?</blockquote>',
    );
    rig.peer.script(`${mirror}/actions`, { cut: 'after' });
    await rig.drain();
    await rig.db.execute(
      sql`update settings set settings = jsonb_set(settings, '{outbound,quoted}', '"drop"') where side = 'link/customer'`,
    );
    rig.deps.cache.side = (await import('#db/settings/settings-in-force.ts')).createVersionCache().side;
    await due(rig, mirror);
    await rig.drain();
    const [, note] = await rig.deliveries(mirror);
    assert.equal(note?.accepted, true);
    assert.equal(rig.peer.taken.get(mirror)?.length, 2);
    assert.match(rig.peer.taken.get(mirror)?.[1]?.action.constant.note ?? '', /Is it/);
  });

  it('loses nothing and doubles nothing, wherever connections are cut', async () => {
    const mirror = await rig.escalated('3');
    const ids = [mirror];
    for (let n = 1; n <= 30; n += 1) ids.push(await rig.said(mirror, `<p>line ${n}</p>`));
    const cuts = Array.from({ length: 10 }, (_, n) => ({
      cut: n % 2 === 0 ? ('after' as const) : ('before' as const),
    }));
    rig.peer.script('POST', ...cuts);
    await until(
      async () => {
        await due(rig, mirror);
        await rig.drain();
        return (await rig.deliveries(mirror)).every(({ accepted }) => accepted);
      },
      { what: 'everything to be accepted', timeoutMs: 30_000 },
    );
    assert.deepEqual(
      rig.peer.taken.get(mirror)?.map(({ id }) => id),
      ids,
    );
  });

  it('counts a 200 only if its results are of exactly what was sent', async () => {
    const mirror = await rig.escalated('4');
    await rig.drain();
    await rig.said(mirror, '<p>one</p>');
    await rig.said(mirror, '<p>two</p>');
    const other = '01a00000-0000-7000-8000-000000000009';
    for (const body of [
      '<html>Welcome to the hotel</html>',
      {},
      { results: [], accepted: 3 },
      {
        results: [
          { id: other, seq: 2, status: 'accepted' },
          { id: other, seq: 3, status: 'accepted' },
        ],
        accepted: 3,
      },
    ]) {
      rig.peer.script(`${mirror}/actions`, { status: 200, body });
      await due(rig, mirror);
      await rig.drain();
      assert.deepEqual(
        (await rig.deliveries(mirror)).map(({ accepted }) => accepted),
        [true, false, false],
      );
    }
    await due(rig, mirror);
    await rig.drain();
    assert.deepEqual(
      (await rig.deliveries(mirror)).map(({ accepted }) => accepted),
      [true, true, true],
    );
  });

  it('ends what the peer refuses with the peer’s words, tells the local desk, and continues after it', async () => {
    const mirror = await rig.escalated('5');
    await rig.drain();
    const bad = await rig.said(mirror, '<p>bad</p>');
    await rig.said(mirror, '<p>good</p>');
    rig.peer.refuses.set(bad, { code: 'too-rude', text: 'Say it nicely.' });
    await rig.drain();
    const [, refused, good] = await rig.deliveries(mirror);
    assert.deepEqual([refused?.outcome, refused?.code, good?.accepted], ['refused', 'too-rude', true]);
    const [receipt] = await rig.deliveries(mirror, 'acme');
    assert.deepEqual([receipt?.kind, receipt?.action], ['receipt', bad]);
    await rig.said(mirror, '<p>more</p>');
    await rig.drain();
    assert.equal((await rig.deliveries(mirror)).at(-1)?.accepted, true);
  });

  it('waits as long as the peer says where it defers, and keeps the order', async () => {
    const mirror = await rig.escalated('6');
    await rig.drain();
    const first = await rig.said(mirror, '<p>first</p>');
    const second = await rig.said(mirror, '<p>second</p>');
    const reason = { code: 'link-suspended', text: 'Closed for the holidays.' };
    rig.peer.script(`${mirror}/actions`, {
      status: 200,
      body: { results: [{ id: first, seq: 2, status: 'deferred', reason, retryAfterMs: 40_000 }], accepted: 1 },
    });
    await rig.drain();
    const lane = await rig.lane(mirror);
    assert.ok((lane.due_in_ms ?? 0) > 30_000, `due in ${lane.due_in_ms}`);
    assert.equal((await rig.deliveries(mirror))[1]?.code, 'link-suspended');
    await due(rig, mirror);
    await rig.drain();
    assert.deepEqual(
      rig.peer.taken.get(mirror)?.map(({ id }) => id),
      [mirror, first, second],
    );
  });

  it('leaves no gap where something stays here', async () => {
    const mirror = await rig.escalated('7');
    await rig.said(mirror, '<p>goes</p>');
    await rig.said(mirror, '<p>stays</p>', { kind: 'Internal' });
    await rig.said(mirror, '<p>goes too</p>');
    await rig.drain();
    assert.deepEqual(
      rig.peer.taken.get(mirror)?.map(({ seq, action }) => [seq, action.after]),
      [
        [1, 0],
        [2, 1],
        [4, 2],
      ],
    );
    assert.deepEqual(
      (await rig.deliveries(mirror)).map(({ outcome, code }) => [outcome, code]),
      [
        [null, null],
        [null, null],
        ['skipped', 'not-sent'],
        [null, null],
      ],
    );
  });

  it('quarantines the link if the peer has less than it once reported, and carries nothing more', async () => {
    const mirror = await rig.escalated('9');
    for (let n = 1; n <= 3; n += 1) await rig.said(mirror, `<p>${n}</p>`);
    await rig.drain();
    rig.peer.setBack(mirror, 2);
    const unsent = await rig.said(mirror, '<p>after the disaster</p>');
    await rig.drain();
    const [link] = await rows<{ state: string; code: string }>(
      rig.db,
      sql`select state, state_reason->>'code' as code from links`,
    );
    assert.deepEqual(link, { state: 'quarantined', code: 'link-quarantined' });
    assert.equal((await rig.deliveries(mirror)).find(({ action }) => action === unsent)?.accepted, false);
    const asked = rig.peer.asked.length;
    await rig.drain();
    assert.equal(rig.peer.asked.length, asked);
    assert.equal((await rig.lane(mirror)).parked, true);
    const notices = await rows(
      rig.db,
      sql`select 1 from notices where link = 'link' and cause like 'link/quarantined%'`,
    );
    assert.equal(notices.length, 1);
  });

  it('quarantines the link where the peer has something else as this seq, or has lost the pair of tickets', async () => {
    const mirror = await rig.escalated('10');
    await rig.drain();
    const id = await rig.said(mirror, '<p>x</p>');
    const why = { code: 'seq-taken', text: 'Taken.' };
    rig.peer.script(`${mirror}/actions`, {
      status: 200,
      body: { results: [{ id, seq: 2, status: 'deferred', reason: why }], accepted: 5 },
    });
    await rig.drain();
    assert.equal(await stateOf(rig), 'quarantined');
    await rig.db.transaction((tx) => setLinkState(tx, 'link', 'active', null, 'test'));
    await due(rig, mirror);
    rig.peer.script(`${mirror}/actions`, {
      status: 404,
      body: { type: 'urn:ferry:problem:not-found', title: 'Nothing' },
    });
    await rig.drain();
    assert.equal(await stateOf(rig), 'quarantined');
  });

  it('carries nothing while the link is suspended, does not poll busily, and continues when it is resumed', async () => {
    const mirror = await rig.escalated('11');
    await rig.db.transaction((tx) => setLinkState(tx, 'link', 'suspended', null, 'test'));
    const result = await rig.drain();
    assert.deepEqual(result, { more: false });
    assert.equal(rig.peer.asked.length, 0);
    assert.equal((await rig.lane(mirror)).parked, true);
    await rig.said(mirror, '<p>logged all the same</p>');
    assert.equal((await rig.lane(mirror)).parked, true);
    await rig.db.transaction((tx) => setLinkState(tx, 'link', 'active', null, 'test'));
    assert.equal((await rig.lane(mirror)).due, true);
    await rig.drain();
    assert.equal(rig.peer.taken.get(mirror)?.length, 2);
  });

  it('puts files first, each once, and a file that the peer does not take is a visible placeholder', async () => {
    const mirror = await rig.escalated('12');
    await rig.drain();
    const small = await staged(rig, 'small', 1_000);
    const large = await staged(rig, 'large', 2 * 1024 * 1024);
    await rig.said(mirror, '<p>See the files.</p>', { attachments: [small, large] });
    await rig.said(mirror, '<p>Again.</p>', { attachments: [small] });
    await rig.drain();
    const [, first, second] = rig.peer.taken.get(mirror) ?? [];
    assert.deepEqual(
      first?.action.constant.attachments.map(({ name }) => name),
      ['small.txt'],
    );
    assert.match(first?.action.constant.note ?? '', /See the files.*large\.txt is missing here/s);
    assert.deepEqual(
      first?.action.drops.map(({ code }) => code),
      ['attachment-failed'],
    );
    assert.equal(second?.action.constant.attachments.length, 1);
    assert.equal(
      rig.peer.asked.filter(({ method, path }) => method === 'PUT' && path.endsWith(small.sha256 ?? '')).length,
      1,
    );
    assert.equal(
      createHash('sha256')
        .update(rig.peer.files.get(small.sha256 ?? '') ?? '')
        .digest('hex'),
      small.sha256,
    );
  });

  it('leaves out what goes beyond the room that the peer keeps for the files of one action, and says so', async () => {
    const mib = 1024 * 1024;
    const mirror = await rig.escalated('14');
    await rig.drain();
    const limits = { bodyBytes: mib, attachmentBytes: mib, actionsPerBatch: 50, unreferencedBytes: 2 * mib };
    await rig.db.execute(sql`update peers set said = ${JSON.stringify({ limits })}::jsonb`);
    await until(async () => (await rig.deps.peers.of('link')).limits ?? undefined, { what: 'what the peer has said' });
    const names = ['a', 'b', 'c', 'd', 'e'] as const;
    const [a, b, c, d, e] = await Promise.all(
      names.map((name, n) => staged(rig, `quota-${name}`, Math.floor((n === 3 ? 0.3 : 0.8) * mib))),
    );
    await rig.said(mirror, '<p>One of them is there.</p>', { attachments: [e as Attachment] });
    await rig.drain();
    const twice = { ...(a as Attachment), id: 'twice', name: 'twice.txt' };
    const attachments = [a, b, twice, c, d, e] as Attachment[];
    await rig.said(mirror, '<p>All files.</p>', { attachments });
    await rig.drain();
    const sent = rig.peer.taken.get(mirror)?.at(-1)?.action;
    assert.deepEqual(
      sent?.constant.attachments.map(({ name }) => name),
      ['quota-a.txt', 'quota-b.txt', 'twice.txt', 'quota-d.txt', 'quota-e.txt'],
      'the same bytes count once, what is there needs no room, and what is small enough still fits',
    );
    assert.match(sent?.constant.note ?? '', /quota-c\.txt is missing here/);
    assert.deepEqual(
      sent?.drops.map(({ code, text }) => [code, /up to 2 MB together/.test(text)]),
      [['attachment-failed', true]],
    );
    await rig.db.execute(sql`update peers set said = null`);
  });

  it('sends nothing that another drain has taken over', async () => {
    const mirror = await rig.escalated('13');
    const { signer } = rig.deps;
    const sign = signer.sign.bind(signer);
    rig.deps.signer.sign = async (...input) => {
      await rig.db.execute(sql`update couriers set epoch = epoch + 1 where instance = 'north'`);
      return sign(...input);
    };
    try {
      await rig.drain();
    } finally {
      rig.deps.signer.sign = sign;
    }
    assert.equal(rig.peer.asked.length, 0);
    assert.deepEqual(
      (await rig.deliveries(mirror)).map(({ accepted, sent }) => [accepted, sent]),
      [[false, null]],
    );
  });

  it('a file for which the peer has no room waits with its action; other actions continue, and nothing is lost or held', async () => {
    const [full, other] = [await rig.escalated('31'), await rig.escalated('32')];
    await rig.drain();
    const file = await staged(rig, 'later', 2_000);
    for (const answer of [
      { status: 507, body: { type: 'urn:ferry:problem:too-many-files' }, headers: { 'retry-after': '60' } },
      { status: 507, body: { type: 'urn:ferry:problem:insufficient-storage' } },
      { status: 429, body: { type: 'urn:ferry:problem:too-many-requests' }, headers: { 'retry-after': '5' } },
    ]) {
      rig.peer.script('/v1/attachments/', answer);
      await rig.said(full, '<p>With a file.</p>', { attachments: [file] });
      await rig.said(other, '<p>Without one.</p>');
      const before = rig.peer.taken.get(other)?.length ?? 0;
      const beforeFull = rig.peer.taken.get(full)?.length ?? 0;
      assert.deepEqual(await rig.drain(), { more: false });
      assert.equal(rig.peer.taken.get(other)?.length, before + 1, 'actions without a file continued');
      assert.equal(rig.peer.taken.get(full)?.length ?? 0, beforeFull);
      const waits = await rig.lane(full);
      assert.ok((waits.due_in_ms ?? 0) > 0 && (waits.due_in_ms ?? 0) <= 60_000, `${waits.due_in_ms}`);
      await due(rig, full);
      await rig.drain();
      assert.equal(rig.peer.taken.get(full)?.length, beforeFull + 1);
    }
    assert.deepEqual(
      (await rig.deliveries(full)).filter(({ accepted }) => !accepted),
      [],
    );
  });

  it('what the peer defers because too much waits there is sent again at the time it asked for, and never held', async () => {
    const mirror = await rig.escalated('33');
    await rig.drain();
    const action = await rig.said(mirror, '<p>One more.</p>');
    const waiting = { code: 'too-many-waiting', text: 'Too much waits.' };
    const deferred = { id: action, seq: 2, status: 'deferred', reason: waiting, retryAfterMs: 60_000 };
    rig.peer.script('/actions', { status: 200, body: { results: [deferred], accepted: 1 } });
    await rig.drain();
    const lane = await rig.lane(mirror);
    assert.ok((lane.due_in_ms ?? 0) > 50_000);
    await due(rig, mirror);
    await rig.drain();
    assert.equal(rig.peer.taken.get(mirror)?.length, 2);
  });

  it('a link that is over its limit does not stop another one with the same peer', async () => {
    const mirror = await rig.escalated('34');
    await rig.drain();
    await rig.db.execute(sql`insert into links (id, state, settings) values ('second', 'active', '{}')`);
    await rig.db.execute(
      sql`insert into peers (link, instance, issuer, client_id, api, far_link)
        select 'second', instance, issuer, client_id, api, 'far-second' from peers where link = 'link'`,
    );
    try {
      await rig.said(mirror, '<p>Too much.</p>');
      rig.peer.script('POST', { status: 429, body: {}, headers: { 'retry-after': '1' } });
      assert.deepEqual(await rig.drain(), { more: false });
      const lane = await rig.lane(mirror);
      assert.ok(lane.due && (lane.due_in_ms ?? 0) <= 1_000);
      await until(
        async () => {
          await due(rig, mirror);
          await rig.drain();
          return rig.peer.taken.get(mirror)?.length === 2 || undefined;
        },
        { what: 'it to be sent' },
      );
    } finally {
      await rig.db.execute(sql`delete from peers where link = 'second'`);
      await rig.db.execute(sql`delete from links where id = 'second'`);
    }
  });

  it('stops for a whole peer that is away, and for one that asks to be left alone', async () => {
    const mirror = await rig.escalated('8');
    rig.peer.script('', { cut: 'before' }, { cut: 'before' });
    const away = await rig.drain();
    assert.ok('retryAfterMs' in away);
    await rig.db.execute(sql`update couriers set retry_at = null`);
    await due(rig, mirror);
    rig.peer.script('POST', { status: 429, body: {}, headers: { 'retry-after': '77' } });
    const busy = await rig.drain();
    assert.ok('retryAfterMs' in busy && busy.retryAfterMs > 70_000);
  });
});

async function due(rig: HandOverRig, mirror: string): Promise<void> {
  await rig.db.execute(sql`update couriers set retry_at = null, failures = 0`);
  await rig.db.execute(
    sql`update lanes set due_at = now() where mirror = ${mirror} and to_instance = 'north' and due_at is not null`,
  );
}

async function stateOf(rig: HandOverRig): Promise<string | undefined> {
  return (await rows<{ state: string }>(rig.db, sql`select state from links`))[0]?.state;
}

async function staged(
  rig: HandOverRig,
  name: string,
  bytes: number,
): Promise<{
  id: string;
  name: string;
  type: string;
  sizeBytes: number;
  inline: boolean;
  sha256: string;
}> {
  const file = await rig.blobs.put(Readable.from([Buffer.alloc(bytes, name)]), 10 * 1024 * 1024);
  return { id: name, name: `${name}.txt`, type: 'text/plain', inline: false, ...file };
}

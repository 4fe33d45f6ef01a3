import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { rtSkip } from '#test/real/rt.ts';
import { startDeskRig, type DeskRig } from './desk-rig.ts';
import { startRtPair, type Mirrored, type RtPair } from './rt-pair.ts';

describe('two Request Trackers, both real', { skip: rtSkip }, () => {
  let rig: DeskRig;
  let pair: RtPair;
  let one: Mirrored;
  before(async () => {
    const t0 = Date.now();
    const lap = (what: string) => console.log(what, Date.now() - t0);
    rig = await startDeskRig('rt_to_rt');
    lap('rig');
    pair = await startRtPair(rig);
    lap('pair');
    await pair.link();
    lap('link');
    await rig.startWorker({ pollMs: 15_000 });
    await rig.live();
    lap('live');
  });
  after(() => rig.close());

  it('escalates', async () => {
    await new Promise((r) => setTimeout(r, 1100));
    const t0 = Date.now();
    one = await pair.escalated();
    console.log('escalated', Date.now() - t0);
    console.log(JSON.stringify(pair.north.ticket(one.far), null, 1));
    console.log(JSON.stringify(pair.acme.ticket(one.ticket), null, 1));
    await rig.settled();
    console.log('settled', Date.now() - t0);
    console.log(pair.acme.proxy.seen.slice(), pair.north.proxy.seen.slice());
    const a = pair.acme.proxy.seen.length,
      b = pair.north.proxy.seen.length;
    const t1 = Date.now();
    await pair.north.reply(one.far, '<p>We look.</p>');
    console.log('replied', Date.now() - t1);
    await pair.acme.note(one.ticket, 'We look');
    console.log('arrived', Date.now() - t1);
    await rig.settled();
    await new Promise((r) => setTimeout(r, 4000));
    console.log(pair.acme.proxy.seen.slice(a), pair.north.proxy.seen.slice(b));
    console.log(pair.north.rt.log(), await pair.north.rt.outbox(), await pair.acme.rt.outbox());
    await rig.check();
    assert.ok(true);
  });
});

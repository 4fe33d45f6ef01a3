import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Organisation } from './organisations.ts';
import { count, numbered, shown, texts } from './desk-notes.ts';
import { startTwoOrganisations, type TwoOrganisations } from './two-organisations.ts';

describe('two organisations whose processes are killed', () => {
  let acme: Organisation;
  let north: Organisation;
  let agree: TwoOrganisations['agree'];
  let opened: TwoOrganisations['opened'];
  let close: TwoOrganisations['close'];
  before(async () => {
    ({ acme, north, agree, opened, close } = await startTwoOrganisations('killed'));
  });
  after(() => close());

  it('carry on after kill -9 of either worker or gateway under load: nothing is lost, nothing twice, order is kept', async () => {
    // One way each: turns of a machine's pace on one ticket would be a circle, and the breaker would stop them.
    const [up, down] = [await opened(), await opened()];
    const kills = [
      () =>
        acme
          .worker()
          .kill9()
          .then(() => acme.startWorker()),
      () =>
        north
          .gateway()
          .kill9()
          .then(() => north.startGateway()),
      () =>
        north
          .worker()
          .kill9()
          .then(() => north.startWorker()),
      () =>
        acme
          .gateway()
          .kill9()
          .then(() => acme.startGateway()),
    ];
    let n = 0;
    for (const kill of kills) {
      const killed = kill();
      for (let k = 0; k < 10; k += 1) {
        n += 1;
        await acme.desk.note(up.ticket, `<p>a ${n}.</p>`);
        await north.desk.note(down.far, `<p>n ${n}.</p>`);
      }
      await killed;
    }
    await shown(
      () => (count(acme.desk, down.ticket, `n ${n}.`) && count(north.desk, up.far, `a ${n}.`)) || undefined,
      'the last notes',
      90_000,
    );
    await agree();
    assert.deepEqual(texts(north.desk, up.far, /a \d+\./), numbered('a', n));
    assert.deepEqual(texts(acme.desk, down.ticket, /n \d+\./), numbered('n', n));
  });

  it('carry on after kill -9 at the worst moments of handing over and receiving, at either side', async () => {
    const { ticket, far } = await opened();
    await agree();
    const sides = [
      { at: acme, word: 'a', say: (note: string) => acme.desk.note(ticket, note) },
      { at: north, word: 'n', say: (note: string) => north.desk.note(far, note) },
    ] as const;
    const atBoth = (work: (side: (typeof sides)[number]) => Promise<unknown>): Promise<unknown> =>
      Promise.all(sides.map(work));
    // The gateway that is started after a kill carries what was left, and dies at the next point.
    await atBoth(async ({ at, word, say }) => {
      await at.worker().kill9();
      const promised = await at.startWorker({}, `sending:${word} 1.`);
      await say(`<p>${word} 1.</p>`);
      await promised.ended;
      const answered = await at.startWorker({}, `answered:${word} 2.`);
      await say(`<p>${word} 2.</p>`);
      await answered.ended;
    });
    await atBoth(({ at }) => Promise.all([at.startWorker(), at.gateway().kill9()]));
    await atBoth(async ({ at, word, say }) => {
      const received = await at.startGateway('/actions');
      await say(`<p>${word} 3.</p>`);
      await received.ended;
      // The receipts of what it has just accepted arrive while it is away, so they hit the next one.
      const told = await at.startGateway('/receipts');
      await told.ended;
      await at.startGateway();
    });
    await agree();
    assert.deepEqual(texts(north.desk, far, /a \d+\./), numbered('a', 3));
    assert.deepEqual(texts(acme.desk, ticket, /n \d+\./), numbered('n', 3));
  });
});

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Checked, Finding, Outcome, Probe } from '#connectors/contract/check.ts';
import { loadInstance } from '#db/settings/instances.ts';
import { checkInstance, type CheckLimits } from '#operate/check/check.ts';
import type { CheckOperator } from '#operate/operator.ts';
import { Refused } from '#operate/refused.ts';
import { somebody } from '#test/support/operator.ts';
import { openWorkplace, type Workplace } from '#test/operate/workplace.ts';

let place: Workplace;
before(async () => {
  place = await openWorkplace();
});
after(() => place.close());

const never = new AbortController().signal;
const limits: CheckLimits = { probeMs: 60_000, wholeMs: 60_000, cleanUpMs: 60_000 };
const failed: Outcome = { verdict: 'differs', saw: 'it failed' };

/** A helpdesk with these probes. */
function asking(probes: readonly Probe[], cleanUp: Checked['cleanUp'] = () => Promise.resolve(null)): CheckOperator {
  const checked: Checked = { probes, verdictOf: () => failed, cleanUp };
  return { ...place.as(), open: () => Promise.resolve('{}'), checkOf: () => Promise.resolve(checked) };
}
async function found(operator: CheckOperator, own = limits, signal = never): Promise<Finding[]> {
  const { findings } = await checkInstance(operator, 'acme', signal, null, own);
  return Array.fromAsync(findings);
}
/** Of what was asked: the last finding says what was learnt. */
const verdicts = (findings: readonly Finding[]): unknown[] =>
  findings.filter(({ name }) => name !== 'learned').map(({ name, verdict }) => [name, verdict]);
const fine = (name: string, more: Partial<Outcome> = {}): Probe => ({
  name,
  run: () => Promise.resolve({ verdict: 'ok', ...more }),
});

test('who may only look, or is in charge of some links only, may not check a helpdesk', async () => {
  const unasked = (): Promise<never> => Promise.reject(new Error('asked'));
  for (const actor of [somebody('viewer'), somebody(null), somebody('operator', ['acme-northwind'])])
    await assert.rejects(
      checkInstance({ ...place.as(actor), checkOf: unasked }, 'acme', never),
      (error) => error instanceof Refused && error.kind === 'forbidden',
    );
});

test('a probe that fails stops no other', async () => {
  const fails: Probe = { name: 'second', run: () => Promise.reject(new Error('no')) };
  assert.deepEqual(verdicts(await found(asking([fine('first'), fails, fine('third')]))), [
    ['first', 'ok'],
    ['second', 'differs'],
    ['third', 'ok'],
  ]);
});

test('a probe that does not answer, and does not listen either, is over in time and shows nothing', async () => {
  const hangs: Probe = { name: 'hangs', run: () => new Promise(() => {}) };
  const quick = { ...limits, probeMs: 30 };
  assert.deepEqual(verdicts(await found(asking([hangs, fine('next')]), quick)), [
    ['hangs', 'unknown'],
    ['next', 'ok'],
  ]);
});

test('what could not be asked in the time for the whole is said not to have been asked', async () => {
  let asked = 0;
  const counted: Probe = { name: 'late', run: () => Promise.resolve({ verdict: (asked += 1) > 0 ? 'ok' : 'ok' }) };
  assert.deepEqual(verdicts(await found(asking([counted]), { ...limits, wholeMs: 0 })), [['late', 'unknown']]);
  assert.equal(asked, 0);
});

test('it is cleaned up once, also if it was interrupted, or if nobody listens any more', async () => {
  let cleaned = 0;
  const cleanUp = (): Promise<null> => {
    cleaned += 1;
    return Promise.resolve(null);
  };
  const stopping = new AbortController();
  const stops: Probe = {
    name: 'stops',
    run: () => {
      stopping.abort();
      return Promise.resolve({ verdict: 'ok' });
    },
  };
  const unasked: Probe = { name: 'unasked', run: () => Promise.reject(new Error('asked')) };
  assert.ok(
    !verdicts(await found(asking([stops, unasked], cleanUp), limits, stopping.signal))
      .flat()
      .includes('unasked'),
  );
  assert.equal(cleaned, 1);
  const { findings } = await checkInstance(asking([fine('one'), unasked], cleanUp), 'acme', never, null, limits);
  for await (const finding of findings) if (finding.name === 'one') break;
  assert.equal(cleaned, 2);
});

test('what it learnt is kept with its instance, and only where it is new', async () => {
  const row = () => loadInstance(place.db, 'acme');
  const was = await row();
  await found(asking([fine('limit', { facts: { requestLimit: 700 } })]));
  const learnt = await row();
  assert.equal(learnt?.learned['requestLimit'], 700);
  assert.equal(learnt.version, (was?.version ?? 0) + 1);
  await found(asking([fine('limit', { facts: { requestLimit: 700 } })]));
  assert.equal((await row())?.version, learnt.version);
});

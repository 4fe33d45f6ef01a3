import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { baseOf, markerBase, markOf, stepMarker, type Recorded, type Writing } from '#core/log/mark.ts';

/** Small linear congruential generator: the same cases at every run, and others with another seed. */
function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const letters = ['a', 'b', '1', '12', '\n', '"', ',', '/', '-', ' ', 'ä', '[', ']', '\u{1f600}'];

type Case = {
  readonly recorded: Recorded;
  readonly link: string;
  readonly receiver: string;
  readonly writing: Writing;
  readonly step: number;
};

function caseOf(next: () => number): Case {
  const text = (): string =>
    Array.from({ length: 1 + Math.floor(next() * 4) }, () => letters[Math.floor(next() * letters.length)]).join('');
  const receipt = next() < 0.5;
  return {
    recorded: {
      origin: text(),
      entity: text(),
      ticket: text(),
      externalId: text(),
      at: new Date(Math.floor(next() * 2e12)).toISOString(),
      edit: Math.floor(next() * 3),
    },
    link: text(),
    receiver: text(),
    writing: receipt
      ? { what: 'receipt', outcome: text(), code: text(), nth: Math.floor(next() * 3) }
      : { what: 'action' },
    step: Math.floor(next() * 5),
  };
}

function marker({ recorded, link, receiver, writing, step }: Case): string {
  return stepMarker(markerBase(markOf(recorded), { link, receiver }, writing), step);
}

/** Every case that differs from the given one in a single part. */
function neighbours(one: Case): Case[] {
  const { recorded, writing } = one;
  const parts = (['origin', 'entity', 'ticket', 'externalId'] as const).flatMap((part) => [
    { ...one, recorded: { ...recorded, [part]: `${recorded[part]}x` } },
    { ...one, recorded: { ...recorded, [part]: `x${recorded[part]}` } },
  ]);
  const moved: Case[] = [1, 999, 86_400_000].map((ms) => ({
    ...one,
    recorded: { ...recorded, at: new Date(Date.parse(recorded.at) + ms).toISOString() },
  }));
  const others: Case[] =
    writing.what === 'action'
      ? [{ ...one, writing: { what: 'receipt', outcome: 'refused', code: 'closed', nth: 0 } }]
      : [
          { ...one, writing: { what: 'action' } },
          { ...one, writing: { ...writing, outcome: `${writing.outcome}x` } },
          { ...one, writing: { ...writing, code: `${writing.code}x` } },
          { ...one, writing: { ...writing, nth: writing.nth + 1 } },
        ];
  return [
    ...parts,
    ...moved,
    ...others,
    { ...one, recorded: { ...recorded, edit: (recorded.edit ?? 0) + 1 } },
    { ...one, receiver: `${one.receiver}x` },
    { ...one, link: `${one.link}x` },
    { ...one, link: `x${one.link}` },
    ...(one.link === one.receiver ? [] : [{ ...one, link: one.receiver, receiver: one.link }]),
    { ...one, step: one.step + 1 },
  ];
}

const cases = Array.from({ length: 400 }, (_, seed) => caseOf(chance(seed * 7_919 + 1)));

describe('the marker of a write', () => {
  it('is the same in two runs that know nothing of each other, and in the form that connectors can pack', () => {
    for (const one of cases) {
      const again = structuredClone(one);
      assert.equal(marker(one), marker(again));
      assert.match(marker(one), /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}-\d{1,3}$/);
    }
  });

  it('differs whenever any part of the text, or its destination, differs', () => {
    for (const one of cases) {
      const found = new Map([[marker(one), JSON.stringify(one)]]);
      for (const other of neighbours(one)) {
        assert.equal(found.get(marker(other)), undefined, `${JSON.stringify(other)} as ${found.get(marker(other))}`);
        found.set(marker(other), JSON.stringify(other));
      }
    }
    assert.equal(new Set(cases.map(marker)).size, new Set(cases.map((one) => JSON.stringify(one))).size);
  });

  it('does not take what moves from one part to the next for the same', () => {
    const at = '2026-01-01T00:00:00.000Z';
    const one = markOf({ origin: 'a', entity: 'ticket', ticket: '1', externalId: '23', at });
    assert.notEqual(one, markOf({ origin: 'a', entity: 'ticket', ticket: '12', externalId: '3', at }));
    assert.notEqual(one, markOf({ origin: 'a', entity: 'ticket', ticket: '1","2', externalId: '3', at }));
  });

  it('is the same however the desk writes the instant', () => {
    const of = (at: string): string => markOf({ origin: 'a', entity: 'ticket', ticket: '1', externalId: '2', at });
    assert.equal(of('2026-01-01T10:00:00Z'), of('2026-01-01T12:00:00.000+02:00'));
    assert.notEqual(of('not a time'), of('nor this'));
  });

  it('of one action that comes to one desk by two links is another by each', () => {
    const mark = '019a0000-0000-7000-8000-000000000001';
    const by = (link: string): string => markerBase(mark, { link, receiver: 'north' }, { what: 'action' });
    assert.notEqual(by('acme-north'), by('beta-north'));
  });

  it('of what another gateway sent stays what it is, so that what was written is found', () => {
    const mark = '019a0000-0000-7000-8000-000000000001';
    const base = markerBase(mark, { link: 'acme-north', receiver: 'north' }, { what: 'action' });
    assert.equal(base, '7e17282a-fdb1-7fc1-b732-ced24598e401');
  });

  it('says of which delivery it is a step', () => {
    const base = markerBase('0', { link: 'acme-north', receiver: 'north' }, { what: 'action' });
    assert.equal(baseOf(stepMarker(base, 12)), base);
  });
});

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import type { Directory } from '#core/words/directory.ts';
import type { OriginKey } from '#db/exchange/origin-keys.ts';
import type { Said } from '#db/operate/said.ts';
import { judge, type Judgement } from '#operate/verify/judge.ts';

const far = 'https://far.example/i/far';
const signedOf = (over: Record<string, unknown> = {}): string =>
  JSON.stringify({
    ...{
      id: '1',
      origin: far,
      at: '2026-01-02T03:04:05.000Z',
      audience: 'desks',
      note: '<p>Yes.</p>',
      attachments: [],
    },
    author: { name: 'Ann', role: 'agent' },
    ...over,
  });
const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex');

/** An action of another gateway as it is kept, signed by its origin's key `k`. */
function said(over: Partial<Said> = {}): Said {
  const signed = over.signed === undefined ? signedOf() : over.signed;
  return {
    ...{ id: '1', instance: 'acme', ticket: '1', origin: far, via: [far], at: '2026-01-02T03:04:05.000Z' },
    ...{ author: { name: 'Ann', role: 'agent' }, audience: 'desks', note: '<p>Yes.</p>', attachments: [] },
    ...{ signed, hash: hashOf(signed ?? ''), signature: `k ${far}`, expired: false, sent: [] },
    ...over,
  };
}

const key: OriginKey = { key: { x: 'k' }, vouchedBy: null, seenAt: '', ageMs: 0, isRetired: false };
/** A signature is the name of its key and its issuer; it holds where the key has that name. */
const signatures = {
  signerOf: (signature: string) => {
    const [kid = '', issuer = ''] = signature.split(' ');
    return issuer === '' ? null : { kid, issuer };
  },
  isSignedBy: (_text: string, signature: string, by: Readonly<Record<string, unknown>>) =>
    Promise.resolve(signature.split(' ')[0] === by['x']),
};
const directory: Directory = { publicUrl: 'https://ours.example', peers: new Map(), own: new Set(['acme']) };

function judged(one: Said, keys: readonly OriginKey[] = [key], of = directory): Promise<Judgement> {
  return judge(one, of, () => Promise.resolve(keys), signatures);
}

test('what its origin signed holds, also where its content was deleted since', async () => {
  assert.deepEqual(await judged(said()), { verdict: 'holds', why: null, kid: 'k', vouchedBy: null });
  const expired = said({ expired: true, note: null, author: null });
  assert.equal((await judged(expired)).verdict, 'holds');
});

test('whatever differs from what was signed is named', async () => {
  const cases: readonly (readonly [Partial<Said>, RegExp])[] = [
    [{ signed: signedOf({ id: '2' }) }, /stored id/],
    [{ signed: signedOf({ origin: 'https://other.example' }) }, /stored origin/],
    [{ at: '2026-01-02T03:04:06.000Z' }, /stored time/],
    [{ audience: 'user' }, /stored audience/],
    [{ author: { name: 'Eve', role: 'agent' } }, /stored author/],
    [{ author: { name: 'Ann', role: 'user' } }, /stored author/],
    [{ note: '<p>No.</p>' }, /stored note/],
    [{ note: '<p><a href="https://evil.example">Yes.</a></p>' }, /stored note/],
    [{ signed: 'not JSON' }, /stored text/],
  ];
  for (const [over, why] of cases) {
    const found = await judged(said(over));
    assert.equal(found.verdict, 'broken', String(why));
    assert.match(found.why ?? '', why);
  }
});

test('a text that is not the one that was hashed is broken, even with a valid signature', async () => {
  const { verdict, why } = await judged(said({ hash: hashOf('another') }));
  assert.deepEqual([verdict, /hashed on arrival/.test(why ?? '')], ['broken', true]);
});

test('a signature of somebody else, by an unknown key, by another key, or that is none, is broken', async () => {
  const cases: readonly (readonly [Partial<Said>, readonly OriginKey[]])[] = [
    [{ signature: 'k https://evil.example/i/far' }, [key]],
    [{ signature: 'gibberish' }, [key]],
    [{}, []],
    [{}, [{ ...key, key: { x: 'other' } }]],
  ];
  for (const [over, keys] of cases) assert.equal((await judged(said(over), keys)).verdict, 'broken');
});

test('a key that one link vouched for counts less once its origin speaks for itself', async () => {
  const vouched = { ...key, vouchedBy: 'link' };
  assert.equal((await judged(said(), [vouched])).verdict, 'holds');
  const paired: Directory = { ...directory, peers: new Map([['far', far]]) };
  const of = (keys: readonly OriginKey[]): Promise<Judgement> => judged(said({ origin: 'far' }), keys, paired);
  assert.deepEqual((await of([vouched])).verdict, 'vouched');
  assert.deepEqual((await of([vouched, key])).verdict, 'vouched');
  assert.deepEqual((await of([key])).verdict, 'holds');
});

test('what was said here needs no signature; what came without one is unsigned, or expired', async () => {
  assert.equal((await judged(said({ origin: 'acme', signed: null, signature: null }))).verdict, 'own');
  assert.equal((await judged(said({ signed: null, signature: null }))).verdict, 'unsigned');
  assert.equal((await judged(said({ signed: null, signature: null, expired: true }))).verdict, 'expired');
});

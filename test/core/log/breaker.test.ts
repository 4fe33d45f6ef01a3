import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { breaker, signOf, type Passage, type Sign } from '#core/log/breaker.ts';

const start = Date.parse('2026-11-21T12:00:00Z');

type Said = { readonly text: string; readonly afterMs: number; readonly role?: Sign['role'] };

/** Two sides answer each other: each action follows the other side's, which took `wayMs` to arrive. */
function talk(rounds: number, say: (n: number) => Said, wayMs = 200): Passage[] {
  let now = start;
  return Array.from({ length: rounds }, (_, n) => {
    const { text, afterMs, role = 'agent' } = say(n);
    const arrived = new Date(now + wayMs).toISOString();
    now += wayMs + afterMs;
    const at = new Date(now).toISOString();
    return {
      at,
      direction: n % 2 === 0 ? 'north' : 'acme',
      sign: signOf({ author: { role }, note: text, at }, arrived),
    };
  });
}

const words =
  'did you try the other cable yes no same as before then look at router please it blinks red again ok'.split(' ');
const phrase = (n: number): string =>
  Array.from({ length: 2 + (n % 5) }, (_, k) => words[(n * 7 + k * 3) % words.length]).join(' ');

test('two people who answer each other every few seconds are never stopped', () => {
  const person = fc.record({
    text: fc.array(fc.constantFrom(...words), { minLength: 1, maxLength: 9 }).map((all) => all.join(' ')),
    afterMs: fc.integer({ min: 1_500, max: 9_000 }),
  });
  fc.assert(
    fc.property(fc.array(person, { minLength: 12, maxLength: 80 }), (said) => {
      const passages = talk(said.length, (n) => said[n] ?? { text: '', afterMs: 0 });
      assert.equal(breaker(passages).tripped, false);
    }),
  );
});

test('people who type short words, always the same, are not stopped', () => {
  for (const text of ['ok', 'yes', 'ann 1', 'done', '?', '']) {
    assert.equal(
      breaker(talk(60, (n) => ({ text: `<p>${text}</p>`, afterMs: 2_000 + (n % 3) * 700 }))).tripped,
      false,
      text,
    );
  }
});

test('two people whose notes cross three times in two seconds are not stopped', () => {
  assert.equal(breaker(talk(60, (n) => ({ text: phrase(n), afterMs: (n * 379) % 1_300 }))).tripped, false);
});

const autoReply = 'Thank you for contacting Northwind. We have received your message';

for (const [name, say] of [
  ['at once, and count', (n: number) => ({ text: `Thank you for note ${n}.`, afterMs: 1 })],
  ['in the same second', (n: number) => ({ text: `<p>Thank you for note ${n}.</p>`, afterMs: 800 })],
  ['after some seconds, with a template', (n: number) => ({ text: `<p>${autoReply} no. ${n}.</p>`, afterMs: 4_000 })],
  [
    'after a while that varies, with a template',
    (n: number) => ({ text: `${autoReply} ${n}`, afterMs: 500 + ((n * 631) % 5_000) }),
  ],
  ['at once, in ever new words', (n: number) => ({ text: phrase(n), afterMs: 20 + (n % 7) })],
  ['as automations', (n: number) => ({ text: phrase(n), afterMs: 3_000 + n * 10, role: 'automation' as const })],
  [
    'quoting what they answer',
    (n: number) => ({ text: 'You have written to us as follows: '.repeat(n + 2), afterMs: 2_500 }),
  ],
] as const) {
  test(`two machines that answer ${name} are stopped within ten turns`, () => {
    assert.equal(breaker(talk(10, say)).tripped, false);
    assert.equal(breaker(talk(11, say)).tripped, true);
  });
}

test('a person who talks with a machine is not stopped: it ends when the person does', () => {
  const said = talk(60, (n) =>
    n % 2 === 0 ? { text: phrase(n), afterMs: 2_000 + ((n * 617) % 3_000) } : { text: `${autoReply} ${n}`, afterMs: 3 },
  );
  assert.equal(breaker(said).tripped, false);
});

test('how sure it is: a template on both sides is certain, haste alone is only likely', () => {
  assert.equal(breaker(talk(20, (n) => ({ text: `${autoReply} ${n}`, afterMs: 5 }))).machine, 'certain');
  assert.equal(breaker(talk(20, (n) => ({ text: phrase(n), afterMs: 5 }))).machine, 'likely');
});

test('no text is kept', () => {
  const sign = signOf(
    { author: { role: 'agent' }, note: '<p>The password is hunter2</p>', at: new Date(start).toISOString() },
    null,
  );
  assert.doesNotMatch(JSON.stringify(sign), /password|hunter/);
});

test('a text of hostile length costs no more than its start', () => {
  const begun = process.cpuUsage();
  for (const note of ['<'.repeat(5_000_000), '<p>'.repeat(2_000_000), '&#'.repeat(3_000_000)]) {
    signOf({ author: { role: 'user' }, note, at: new Date(start).toISOString() }, null);
  }
  assert.ok(process.cpuUsage(begun).user < 500_000);
});

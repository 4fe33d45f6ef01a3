/**
 * Checks over the tree that a statement about a write, a lane, its head or its courier names the promise or the epoch
 * of the drain that makes it, so that an overtaken drain changes nothing. Statements that need neither are listed here,
 * each with its reason. Also checks that whatever is sent to a helpdesk to change something has a time after which it
 * is not sent.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

const root = path.join(import.meta.dirname, '..');
/** Benchmarks and the demo make their own databases. */
const notOurs = new Set(['node_modules', 'test', '.git', '.ci', 'docs', 'bench', 'standalone']);

type Source = { readonly file: string; readonly code: string };

const sources: readonly Source[] = readdirSync(root, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && !notOurs.has(entry.name))
  .flatMap(({ name }) => readdirSync(path.join(root, name), { recursive: true, withFileTypes: true }))
  .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
  .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)).replaceAll(path.sep, '/'))
  .map((file) => ({
    file,
    code: readFileSync(path.join(root, file), 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|^\s*(--|\/\/).*$/gm, ''),
  }));

const speaks = /\b(update|delete from|insert into) (writes|lanes|deliveries|couriers)\b/;
const names = /\bpromised_at = (excluded|k|\$)|\bepoch\}|\bepoch = |\.epoch\b|isMine\(/;

const person = 'a person has looked and says what is to become of it';
const news = 'appends to the lane, or is about to';
const receiver = 'what the receiver has or has done is a fact for every reader';

/** Who speaks without one, and why that is right. */
const others: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'db/carry/couriers.ts': {
    endRest: 'A sign of life of an instance is a fact, whichever drain reports it.',
    setInstanceState:
      'what a contact reveals about an instance, whichever process had it; a drain checks first whether the courier is its own',
    takeLeases: 'only a lease that is over, and no drain is begun by it',
  },
  'db/carry/lanes.ts': {
    settleLane: 'what the deliveries say by themselves',
    unparkLink: 'in the transaction that changes the link',
  },
  'db/carry/outcome.ts': { moveOpening: 'in the transaction of an end that has counted' },
  'db/exchange/hand-over.ts': { storeAnswer: receiver },
  'db/exchange/offers.ts': { markRead: receiver },
  'db/exchange/own-word.ts': {
    ownWordWins: 'it locks the delivery first, and then looks whether anything is promised for it',
  },
  'db/exchange/receive-again.ts': { pairAgain: person, sendBehindReceipt: person },
  'db/exchange/receive-receipts.ts': { endSent: receiver, openAgain: receiver, receiveReceipts: receiver },
  'db/exchange/unanswered.ts': { claimUnanswered: 'that it is asked', noteFar: receiver },
  'db/carry/requeue.ts': { requeueRefused: 'it had ended, and nobody carries it' },
  'db/carry/try-copies.ts': {
    endInDoubt: 'it had ended, and nobody carries it',
    tryCopies: 'it had ended, and nobody carries it',
  },
  'db/links/link-close.ts': { endWaiting: 'the link is closed' },
  'db/links/link-compare.ts': { continueAbove: person, forgetReceived: person, requeueAbove: person },
  'db/links/link-purge.ts': { purgeLink: 'the link is gone' },
  'db/log/insert-actions.ts': { insertAll: news },
  'db/log/open-mirror.ts': { openMirror: news },
  'db/log/place-deliveries.ts': { placeDeliveries: news },
  'db/log/receipts.ts': { putReceipt: news },
  'db/log/ticket-life.ts': { followMerge: 'a write follows its ticket, under the ticket’s lock' },
  'db/settings/which-desk.ts': { identify: person, replaceDesk: person },
  'db/operate/erase.ts': { eraseActions: 'texts of a person who is to be forgotten' },
  'db/operate/maintenance.ts': { purge: 'texts of what ended long ago' },
  'db/operate/operate.ts': { end: person, releaseDelivery: person, retryInstance: person, skipDelivery: person },
  'db/operate/restored.ts': { endQuarantine: person },
};

/** Functions and constants at the top of a file. */
function partsOf({
  file,
  code,
}: Source): readonly { readonly file: string; readonly name: string; readonly code: string }[] {
  return code
    .split(/^(?=(?:export )?(?:async )?(?:function|const) )/m)
    .map((part) => ({ file, name: /(?:function\*?|const) (\w+)/.exec(part)?.[1] ?? '', code: part }));
}

const spoken = sources.flatMap(partsOf).filter(({ code }) => speaks.test(code));

test('every statement about a promise, a lane or a courier names the promise or the epoch, or is known not to need one', () => {
  const without = spoken.filter(({ code }) => !names.test(code)).map(({ file, name }) => `${file} ${name}`);
  assert.deepEqual(
    without.sort(),
    Object.entries(others)
      .flatMap(([file, all]) => Object.keys(all).map((name) => `${file} ${name}`))
      .sort(),
  );
});

/** Requests that may be late or made twice without harm. */
const harmless = {
  'activities/notify.ts': 'a notice',
  'connectors/halo/token.ts': 'a token',
  'connectors/rt/client.ts': 'a search',
  'protocols/ferry/client.ts': 'a file that is named by its digest',
  'protocols/ferry/link-calls.ts': 'checks of a link, and its end',
  'protocols/ferry/oauth-fetch.ts': 'a token',
  'protocols/ferry/pairing.ts': 'a code that works once',
  'protocols/ferry/webhook.ts': 'it has an id, and says nothing but that there is news',
};

test('nothing changes a helpdesk without a time after which it is not sent', () => {
  const without = sources.filter(({ code }) => /notAfter: null/.test(code)).map(({ file }) => file);
  assert.deepEqual(without.sort(), Object.keys(harmless).sort());
});

test('a time after which nothing is sent is begun before what it counts from is asked for, and nowhere else', () => {
  const begun = sources.filter(({ code }) => /\bnotAfterIn\(/.test(code)).map(({ file }) => file);
  assert.deepEqual(begun.sort(), [
    'activities/carry/make-step.ts',
    'activities/exchange/hand-over.ts',
    'connectors/contract/not-after.ts',
    'connectors/halo/check-write.ts',
    'connectors/kit/trial-desk.ts',
  ]);
  for (const [file, promise] of [
    ['activities/carry/make-step.ts', 'deps.promiseWrite('],
    ['activities/exchange/hand-over.ts', 'await promiseSends('],
  ] as const) {
    const { code } = sources.find((one) => one.file === file) ?? { code: '' };
    const places = (text: string): number[] =>
      [...code.matchAll(new RegExp(RegExp.escape(text), 'g'))].map(({ index }) => index);
    const [begins, promises] = [places('= notAfterIn('), places(promise)];
    assert.equal(begins.length, promises.length, file);
    assert.ok(
      begins.every((at, index) => at < (promises[index] ?? 0)),
      file,
    );
  }
});

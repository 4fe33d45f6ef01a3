import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keepToken } from '#connectors/kit/token.ts';

type Token = { readonly text: string; readonly until: number };

function rig() {
  const rig = { at: 0, asked: 0, answers: [] as ((token: Token | Error) => void)[] };
  const keeper = keepToken<Token>(
    () => {
      rig.asked += 1;
      return new Promise((resolve, reject) => {
        rig.answers.push((answer) => (answer instanceof Error ? reject(answer) : resolve(answer)));
      });
    },
    () => rig.at,
  );
  return { rig, keeper };
}

test('a hundred who want a token at once cause one request, and all get its answer', async () => {
  const { rig: seen, keeper } = rig();
  const all = Promise.all(Array.from({ length: 100 }, () => keeper.get()));
  assert.equal(seen.asked, 1);
  const token = { text: 'a', until: 100 };
  seen.answers[0]?.(token);
  assert.deepEqual(new Set(await all), new Set([token]));
});

test('a token is kept until its end and no longer', async () => {
  const { rig: seen, keeper } = rig();
  const first = keeper.get();
  seen.answers[0]?.({ text: 'a', until: 100 });
  await first;
  seen.at = 99;
  assert.equal((await keeper.get()).text, 'a');
  seen.at = 100;
  const second = keeper.get();
  assert.equal(seen.asked, 2);
  seen.answers[1]?.({ text: 'b', until: 200 });
  assert.equal((await second).text, 'b');
});

test('a failure reaches all who wait, and the next who asks tries again', async () => {
  const { rig: seen, keeper } = rig();
  const waiting = [keeper.get(), keeper.get()];
  seen.answers[0]?.(new Error('down'));
  for (const one of waiting) await assert.rejects(one, /down/);
  const again = keeper.get();
  assert.equal(seen.asked, 2);
  seen.answers[1]?.({ text: 'b', until: 100 });
  assert.equal((await again).text, 'b');
});

test('a token that was refused is forgotten, but not a newer one that is there by then', async () => {
  const { rig: seen, keeper } = rig();
  const first = keeper.get();
  seen.answers[0]?.({ text: 'a', until: 100 });
  const old = await first;
  keeper.forget(old);
  const second = keeper.get();
  seen.answers[1]?.({ text: 'b', until: 100 });
  const fresh = await second;
  keeper.forget(old);
  assert.equal(await keeper.get(), fresh);
  keeper.forget();
  void keeper.get();
  assert.equal(seen.asked, 3);
});

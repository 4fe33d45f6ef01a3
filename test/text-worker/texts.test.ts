import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { sanitiseNote } from '#core/text/html.ts';
import { createPool, TextLimit } from '#text-worker/pool.ts';
import { createTexts } from '#text-worker/texts.ts';

const texts = createTexts();
after(() => texts.close());

const long = `<p>${'<b>word</b> '.repeat(3000)}</p>`;

test('reading a long note in a thread gives the same result as reading it in this process', async () => {
  assert.deepEqual(await texts.note(long), sanitiseNote(long));
  const withImage = `${long}<img src="cid:a"><img src="cid:b">`;
  assert.match(await texts.html(withImage, ['a']), /<img src="cid:a" \/><span>\[image\]<\/span>$/);
});

test('this process keeps working while a thread reads', async () => {
  let turns = 0;
  const turning = setInterval(() => (turns += 1), 1);
  await texts.note('<p><li>'.repeat(300_000));
  clearInterval(turning);
  assert.ok(turns > 5, `${turns} turns`);
});

test('a note that takes too long is kept as its text with the original attached, and the next one is read', async () => {
  const hasty = createTexts({ limitMs: 1, atMostMs: 300, threads: 1 });
  const html = `<p>first &lt;line&gt;</p>${'<p><li>'.repeat(1_000_000)}<script>x</script><div>last</div>`;
  const [slow, short] = await Promise.all([hasty.note(html), hasty.note('<p>short</p>')]);
  assert.match(slow.html, /could not be read in time/);
  assert.match(slow.html, /<p>first &lt;line&gt;/);
  assert.deepEqual(slow.whole, { name: 'note-original.html', type: 'text/html', text: html });
  assert.equal(short.html, '<p>short</p>');
  const again = performance.now();
  assert.deepEqual((await hasty.note(html)).html, slow.html, 'it is not tried again');
  assert.ok(performance.now() - again < 5_000);
  await hasty.close();
});

test('a thread that runs out of memory costs its own order only', async () => {
  const small = createTexts({ memoryMb: 16, threads: 1 });
  const html = `<p>x</p>${'<i>y</i>'.repeat(1_500_000)}`;
  assert.match((await small.note(html)).html, /could not be read in time/);
  assert.deepEqual(await small.note(long), sanitiseNote(long));
  await small.close();
});

test('an order that cannot be carried out is refused, and so are orders after the end', async () => {
  const pool = createPool({ threads: 1, limitMs: 2000, atMostMs: 10_000, memoryMb: 64 });
  await assert.rejects(pool.run('note', [undefined]), TextLimit);
  await assert.rejects(pool.run('note', [() => 1]), TextLimit);
  await pool.close();
  await assert.rejects(pool.run('note', ['<p>x</p>']), TextLimit);
});

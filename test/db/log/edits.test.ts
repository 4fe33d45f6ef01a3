import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { ticketRef } from '#core/words/ref.ts';
import { rows, type Client } from '#db/base/client.ts';
import { DeskRestored } from '#db/log/desk-restored.ts';
import type { LogReadingResult } from '#db/log/log-reading.ts';
import { loadTrace } from '#db/operate/trace.ts';
import { entryLines } from '#cli/print/trace.ts';
import { timelineOf } from '#operate/trace/timeline.ts';
import { logShown, noteOf, putMirror, twoDesks, type TwoDesks } from '#test/db/mirrored.ts';

const at = new Date(Date.now() - 60_000).toISOString();

describe('a note whose text is changed at its desk after it was read', () => {
  let desks: TwoDesks;
  let db: Client;
  before(async () => {
    desks = await twoDesks('edits');
    ({ db } = desks);
    await putMirror(db);
  });
  after(() => desks.close());

  const read = (note: string, by = 'Bob'): Promise<LogReadingResult> =>
    logShown(db, {
      actions: [noteOf('1', { at, author: { name: by, role: 'agent' }, fingerprint: note, note })],
      ids: 'count',
    });
  const kept = async (): Promise<readonly unknown[]> => [
    ...(await rows(db, sql`select note, edited_at is not null as edited from actions`)),
  ];

  it('is known as edited, once, and nothing is carried again', async () => {
    assert.equal((await read('<p>Call me at five.</p>')).logged, 1);
    assert.deepEqual((await read('<p>Call me  at five.</p>')).edited, []);
    const edited = await read('<p>Call me at six.</p>');
    assert.deepEqual([edited.logged, edited.edited], [0, ['1']]);
    const again = await read('<p>Call me at seven.</p>');
    assert.deepEqual([again.logged, again.edited], [0, []]);
    assert.deepEqual(await kept(), [{ note: '<p>Call me at five.</p>', edited: true }]);
    const [{ waiting } = {}] = await rows(db, sql`select count(*)::int as waiting from deliveries`);
    assert.equal(waiting, 1);
  });

  it('is shown as edited where somebody traces its ticket', async () => {
    const found = await loadTrace(db, ticketRef('north', '9'), { notes: false });
    const lines = timelineOf('north', '9', found).entries.flatMap((entry) => entryLines(entry, null));
    assert.match(lines.join('\n'), /edited: somebody changed its text later/);
  });

  it('is another action of a restored desk where its author is another one, too', async () => {
    await assert.rejects(read('<p>Something else.</p>', 'Carl'), DeskRestored);
  });
});

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { describe, it } from 'node:test';

import { contentOf } from '#connectors/rt/attachment.ts';
import { writeValue } from '#connectors/rt/fields.ts';
import { hintOf } from '#connectors/rt/hint.ts';
import { multipart } from '#connectors/rt/multipart.ts';
import { composeNote } from '#connectors/rt/notes.ts';
import { checkSentences, understand } from '#connectors/rt/sentences.ts';
import { stepsOf } from '#connectors/rt/steps.ts';
import { dateOf, instantOfDatabase, localTime } from '#connectors/rt/time.ts';
import { readSettings } from '#connectors/kit/settings.ts';
import { credentialsSchema, optionsSchema } from '#connectors/rt/wire.ts';
import type { HelpdeskError } from '#connectors/contract/errors.ts';
import { commandOf } from './desk.ts';

const options = optionsSchema.parse({ categoryField: 'Category' });

describe("RT's sentences", () => {
  it('count as success only in forms that are known to mean it', () => {
    const fields = ['Severity', 'Sites'];
    for (const sentence of [
      'Comments added',
      "Ticket 1: Status changed from 'open' to 'resolved'",
      'Severity High changed to Low',
      'Severity Low added',
      'Leeds added as a value for Sites',
      'High is no longer a value for custom field Severity',
    ]) {
      assert.deepEqual(understand([sentence], fields), { refused: [], changed: true }, sentence);
    }
    for (const sentence of [
      "Ticket 1: Status 'nonsense' isn't a valid status for this ticket.",
      'Invalid value for custom field',
      'Permission Denied',
      'Owner could not be added',
      "Ticket 1: You can't change status from 'resolved' to 'new'.",
      'Status Could not be added',
    ]) {
      assert.deepEqual(understand([sentence], fields), { refused: [sentence], changed: false }, sentence);
    }
  });

  it('that nothing had to be done are neither a change nor a refusal', () => {
    const idle = ["You can't change status from 'open' to 'open'.", 'Ticket 4: That is already the current value'];
    assert.deepEqual(understand(idle, []), { refused: [], changed: false });
  });

  it('are not fooled by values that sound like refusals', () => {
    assert.deepEqual(understand(['Asset Could not print added'], ['Asset']), { refused: [], changed: true });
    const subject = "Ticket 1: Subject changed from 'a' to 'Permission Denied'";
    assert.deepEqual(understand([subject], []), { refused: [], changed: true });
  });

  it('refuse with their own words only when nothing was done', () => {
    const no = "Ticket 1: Status 'x' isn't a valid status for this ticket.";
    assert.throws(
      () => checkSentences([no], { fields: [], words: ['status x'] }),
      (error: HelpdeskError) =>
        error.class === 'refused' && error.message.includes(no) && error.message.includes('status x'),
    );
    checkSentences(['Comments added', no], { fields: [], words: ['status x'] });
  });
});

describe("a file out of RT's JSON", () => {
  const bytes = randomBytes(50_000);
  const base64 = (bytes.toString('base64').match(/.{1,76}/g) ?? []).map((line) => `${line}\n`).join('');
  const tricky = {
    Headers: 'Content: "x" \\ {[',
    Subject: 'Content',
    inner: { Content: 'bm8=' },
    list: ['Content', ':'],
  };

  async function out(json: string, size: number): Promise<Buffer> {
    const whole = Buffer.from(json);
    const chunks = Array.from({ length: Math.ceil(whole.length / size) }, (_, index) =>
      whole.subarray(index * size, (index + 1) * size),
    );
    return buffer(Readable.from(chunks).pipe(contentOf()));
  }

  it('is the same bytes wherever the key is and however the reply is split', async () => {
    for (const json of [
      JSON.stringify({ ...tricky, Content: base64 }),
      JSON.stringify({ Content: base64, ...tricky }, null, 3),
    ]) {
      for (const size of [1, 7, 1000, 1_000_000]) {
        if (size === 1 && json.length > 80_000) continue;
        assert.ok((await out(json, size)).equals(bytes), `chunks of ${size}`);
      }
    }
  });

  it('is empty where RT has no content', async () => {
    assert.equal((await out('{"Content":null,"id":5}', 3)).length, 0);
    assert.equal((await out('{"id":5,"Headers":"Content"}', 3)).length, 0);
    assert.equal((await out('{"Content":"","id":5}', 3)).length, 0);
  });

  it('fails when the reply is cut off', async () => {
    const source = Readable.from([Buffer.from('{"id":5,"Content":"AAAA')]);
    await assert.rejects(buffer(source.pipe(contentOf())), { class: 'retry', code: 'cut-off' });
  });
});

describe('what goes up to RT', () => {
  it('is a form with the correct length declared, and with names that cannot end a header', async () => {
    const file = { id: '1', name: 'a"b\r\nX: y.txt', type: 'text/plain', sizeBytes: 5, inline: false, sha256: null };
    const { body, headers } = multipart({ Content: 'ü' }, [file], () => Readable.from([Buffer.from('hello')]));
    const sent = await buffer(body);
    assert.equal(String(sent.length), headers['content-length']);
    assert.match(
      sent.toString(),
      /filename="a_b__X: y.txt"\r\nContent-Type: application\/octet-stream\r\n\r\nhello\r\n/,
    );
  });

  it('names a file with a long name by what fits of it, cut on a character, with its ending', async () => {
    const file = { id: '1', name: `${'😀'.repeat(145)}.log`, type: null, sizeBytes: 2, inline: false, sha256: null };
    const { body, headers } = multipart({}, [file], () => Readable.from([Buffer.from('hi')]));
    const sent = await buffer(body);
    assert.equal(String(sent.length), headers['content-length']);
    assert.ok(sent.toString().includes(`filename="${'😀'.repeat(98)}.log"`));
  });

  it('is sent without a length where a size is unknown', () => {
    const file = { id: '1', name: 'x', type: null, sizeBytes: null, inline: false, sha256: null };
    assert.equal(multipart({}, [file], () => Readable.from([])).headers['content-length'], undefined);
  });

  it('names the author, defuses mail tags, and points to pictures without the ids of other desks', () => {
    const picture = { id: 'p1', name: 'shot.png', type: 'image/png', sizeBytes: 3, inline: true, sha256: null };
    const note = composeNote(
      commandOf('1', {
        note: '<p>See <img alt="x" src="cid:p1"> for [acme.example #12]</p>',
        author: { display: 'Ann <Lee> (Acme)' },
        attachments: [picture],
      }),
    );
    assert.match(note ?? '', /^<p><strong>Ann &lt;Lee&gt; \(Acme\)<\/strong> wrote:<\/p>/);
    assert.match(note ?? '', /<img alt="x" src="cid:ferry-file-1">/);
    assert.doesNotMatch(note ?? '', /\[acme\.example #12\]|p1/);
  });

  it('never is a date that RT would take for none', () => {
    const due = { id: '1', name: 'Due', type: 'date', select: false, multiple: false } as const;
    const at = { ...due, name: 'At', type: 'datetime' } as const;
    for (const value of ['2026-02-30', 'soon', '2026-07-01T00:00:00Z']) {
      assert.throws(() => writeValue(value, due, 'UTC'), { code: 'not-a-date' });
    }
    assert.throws(() => writeValue('2026-07-01', at, 'UTC'), { code: 'not-an-instant' });
    assert.throws(() => writeValue('2026-07-01T10:00:00Z', at, null), { code: 'setup-incomplete' });
    assert.equal(writeValue('2026-07-01T10:00:00Z', at, 'America/New_York'), '2026-07-01 06:00:00');
    assert.equal(writeValue('', due, 'UTC'), null);
  });
});

describe('how a command becomes requests', () => {
  it('is one request for a note with status, category and fields', () => {
    const steps = stepsOf(
      commandOf('1', { status: 'open', category: 'Network', fields: { Severity: 'High' } }),
      options,
    );
    assert.deepEqual(
      steps.map((step) => [step.name, step.fingerprints.length]),
      [['all', 4]],
    );
  });

  it('is two where subject or priority change beside a note, status last', () => {
    const steps = stepsOf(commandOf('1', { status: 'open', priority: 'High' }), options);
    assert.deepEqual(
      steps.map((step) => [step.name, step.command.note !== null, step.command.status]),
      [
        ['content', true, undefined],
        ['status', false, 'open'],
      ],
    );
  });

  it('never puts a hidden note onto a new ticket, where it would be visible', () => {
    const open = {
      summary: 'x',
      account: 'Acme',
      requester: { name: 'Uma' },
      farNumber: '#1',
      farUrl: 'https://acme.example/1',
    };
    const steps = stepsOf(commandOf(null, { open, visibility: 'hidden' }), options);
    assert.deepEqual(
      steps.map((step) => [step.name, step.command.note === null]),
      [
        ['open', true],
        ['content', false],
      ],
    );
  });

  it('is never empty', () => {
    assert.equal(stepsOf(commandOf('1', { note: null }), options).length, 1);
  });
});

describe("RT's times", () => {
  it('are instants in UTC, dates stay dates, and the first of January 1970 means none', () => {
    assert.equal(instantOfDatabase('2026-07-01 10:00:00'), '2026-07-01T10:00:00.000Z');
    assert.equal(instantOfDatabase('1970-01-01 00:00:00'), null);
    assert.equal(dateOf('2024-02-29'), '2024-02-29');
    assert.equal(dateOf('2026-02-29'), null);
    assert.equal(localTime('2026-12-31T23:30:00Z', 'Asia/Tokyo'), '2027-01-01 08:30:00');
  });
});

describe('the settings of an RT instance', () => {
  it('are refused by name, without the token', () => {
    assert.throws(
      () => readSettings(credentialsSchema, { token: 'top secret' }, 'credentials', 'acme'),
      (error: HelpdeskError) => error.code === 'bad-settings' && !error.message.includes('top secret'),
    );
    assert.throws(() => readSettings(optionsSchema, { quees: ['x'] }, 'options', 'acme'), /quees/);
  });
});

describe('a webhook of RT', () => {
  it('names a ticket and nothing else', () => {
    assert.deepEqual(hintOf({ ticket: 12, transaction: 99 }), ['12']);
    for (const body of [null, 'x', {}, { ticket: '12; drop' }, { ticket: [1] }]) assert.deepEqual(hintOf(body), []);
  });
});

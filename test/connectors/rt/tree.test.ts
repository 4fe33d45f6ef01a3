import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { attachedMail } from '#connectors/rt/attached-mail.ts';
import { mayHaveFiles, messageOf } from '#connectors/rt/parts.ts';
import { partSchema } from '#connectors/rt/wire.ts';
import type { RtPart } from '#connectors/rt/wire.ts';

type Given = { readonly in?: number; readonly name?: string; readonly content?: string; readonly headers?: string };

/** Parts in the order of their ids, 1 and up; `in`: the id of the part around it. */
function parts(...given: readonly (readonly [string, Given?])[]): readonly RtPart[] {
  return given.map(([type, part = {}], index) =>
    partSchema.parse({
      id: index + 1,
      TransactionId: 1,
      ContentType: type,
      Content: part.content ?? '',
      Filename: part.name ?? '',
      Headers: part.headers ?? `Content-Type: ${type}\n`,
      ContentLength: (part.content ?? '').length,
      ...(part.in === undefined ? {} : { Parent: { type: 'attachment', id: part.in } }),
    }),
  );
}

/** As RT lists them: texts and containers with content, everything inside something without. */
function listed(all: readonly RtPart[]): readonly [readonly RtPart[], readonly RtPart[]] {
  const isText = (part: RtPart): boolean =>
    part.Filename === '' && /^(?:text|multipart|message)\//.test(part.ContentType);
  return [
    all.filter(isText).map((part) => ({ ...part, Parent: undefined })),
    all.filter((part) => part.Parent !== undefined).map((part) => ({ ...part, Content: '' })),
  ];
}

const forwarded = parts(
  ['multipart/mixed'],
  ['text/plain', { in: 1, content: 'My own words.' }],
  ['message/rfc822', { in: 1 }],
  ['multipart/alternative', { in: 3, headers: 'Subject: Offer\nFrom: a@x.example\n' }],
  ['text/plain', { in: 4, content: 'forwarded' }],
  ['text/html', { in: 4, content: '<p>forwarded html</p>' }],
);

describe('a mail in RT', () => {
  it('with another mail attached says its own words, and the other mail is a file', () => {
    const { note, attachments } = messageOf(...listed(forwarded));
    assert.equal(note, '<p>My own words.</p>');
    assert.deepEqual(
      attachments.map(({ id, name, type, sizeBytes }) => [id, name, type, sizeBytes]),
      [['mail-3', 'Offer.eml', 'message/rfc822', null]],
    );
  });

  it('says its own words first where RT does not tell which part is within which', () => {
    const bare = forwarded.map((part) => ({ ...part, Parent: undefined }));
    const { note, attachments } = messageOf(bare, []);
    assert.equal(note, '<p>My own words.</p>');
    assert.deepEqual(
      attachments.map(({ name }) => name),
      ['Offer.eml'],
    );
  });

  it('that invites has its words as the note and the invitation as a file', () => {
    const all = parts(
      ['multipart/alternative'],
      ['text/plain', { in: 1, content: 'Let us meet.' }],
      ['text/calendar', { in: 1, content: 'BEGIN:VCALENDAR' }],
    );
    const [texts] = listed(all);
    assert.equal(mayHaveFiles(texts), true);
    for (const { note, attachments } of [messageOf(...listed(all)), messageOf(texts, [])]) {
      assert.equal(note, '<p>Let us meet.</p>');
      assert.deepEqual(
        attachments.map(({ id, name }) => [id, name]),
        [['3', 'invitation.ics']],
      );
    }
  });

  it('of text, HTML and an invitation beside them loses none of the three', () => {
    const all = parts(
      ['multipart/mixed'],
      ['multipart/alternative', { in: 1 }],
      ['text/plain', { in: 2, content: 'At ten.' }],
      ['text/html', { in: 2, content: '<p>At <b>ten</b>.</p>' }],
      ['text/calendar', { in: 2, content: 'BEGIN:VCALENDAR' }],
      ['application/ics', { in: 1, name: 'invite.ics' }],
    );
    const { note, attachments } = messageOf(...listed(all));
    assert.equal(note, '<p>At <b>ten</b>.</p>');
    assert.deepEqual(
      attachments.map(({ name }) => name),
      ['invitation.ics', 'invite.ics'],
    );
  });

  it('keeps the order of its texts around files, as some phones write', () => {
    const all = parts(
      ['multipart/mixed'],
      ['text/plain', { in: 1, content: 'Before.' }],
      ['image/jpeg', { in: 1, name: 'a.jpg' }],
      ['text/plain', { in: 1, content: 'After.' }],
    );
    const { note, attachments } = messageOf(...listed(all));
    assert.equal(note, '<p>Before.</p>\n<p>After.</p>');
    assert.deepEqual(
      attachments.map(({ name }) => name),
      ['a.jpg'],
    );
  });

  it('with an HTML part that says nothing is what its text says', () => {
    const all = parts(
      ['multipart/alternative'],
      ['text/plain', { in: 1, content: 'Words.' }],
      ['text/html', { in: 1, content: '<html><body><br></body></html>' }],
    );
    assert.equal(messageOf(...listed(all)).note, '<p>Words.</p>');
  });

  it('with pictures within its HTML shows them, and files within are files', () => {
    const all = parts(
      ['multipart/related'],
      ['multipart/alternative', { in: 1 }],
      ['text/plain', { in: 2, content: 'See.' }],
      ['text/html', { in: 2, content: '<p>See <img alt="a>b" src="cid:P@x"></p>' }],
      ['image/png', { in: 1, name: 'p.png', headers: 'Content-ID: <p@x>\n' }],
    );
    const { note, attachments } = messageOf(...listed(all));
    assert.equal(note, '<p>See <img alt="a>b" src="cid:5"></p>');
    assert.deepEqual(
      attachments.map(({ id, inline }) => [id, inline]),
      [['5', true]],
    );
  });

  it('that could not be delivered tells so, with the report and the mail as files', () => {
    const all = parts(
      ['multipart/report'],
      ['text/plain', { in: 1, content: 'Not delivered.' }],
      ['message/delivery-status', { in: 1, content: 'Status: 5.1.1' }],
      ['message/rfc822', { in: 1 }],
      ['text/plain', { in: 4, content: 'lost', headers: 'Subject: =?utf-8?q?x?=\n' }],
    );
    const { note, attachments } = messageOf(...listed(all));
    assert.equal(note, '<p>Not delivered.</p>');
    assert.deepEqual(
      attachments.map(({ name }) => name),
      ['delivery-status.txt', 'mail-4.eml'],
    );
  });

  it('of nothing but another mail has no note, and that mail is there', () => {
    const all = parts(['multipart/mixed'], ['message/rfc822', { in: 1 }], ['text/plain', { in: 2, content: 'x' }]);
    const { note, attachments } = messageOf(...listed(all));
    assert.deepEqual([note, attachments.length], [null, 1]);
  });

  it('gives an attached mail as a mail: headers, structure and contents', async () => {
    const bytes = new Map([
      ['5', 'forwarded'],
      ['6', '<p>forwarded html ä</p>'],
    ]);
    const open = (id: string) => Promise.resolve(Readable.from([Buffer.from(bytes.get(id) ?? '')]));
    const mail = await text(attachedMail(forwarded, '3', open));
    assert.match(
      mail,
      /^Subject: Offer\r\nFrom: a@x\.example\r\nContent-Type: multipart\/alternative; boundary="ferry-part-4"\r\n\r\n--ferry-part-4\r\n/,
    );
    assert.ok(mail.includes(Buffer.from('<p>forwarded html ä</p>').toString('base64')));
    assert.ok(mail.trimEnd().endsWith('--ferry-part-4--'));
    assert.equal(mail.match(/Content-Transfer-Encoding: base64/g)?.length, 2);
  });

  it('says the words of its text where the same as HTML is nothing but a picture that tells who opened it', () => {
    const pixel = '<html><body><img src="https://t.example/p.gif" width=1 height=1></body></html>';
    const styled = `<style>${'p {margin: 0} '.repeat(3_000)}</style>${pixel}`;
    for (const content of [pixel, styled, '<p>&nbsp;</p>']) {
      const all = parts(
        ['multipart/alternative'],
        ['text/plain', { in: 1, content: 'Words of the text' }],
        ['text/html', { in: 1, content }],
      );
      assert.equal(messageOf(...listed(all)).note, '<p>Words of the text</p>');
    }
    const shown = parts(
      ['multipart/alternative'],
      ['text/plain', { in: 1, content: '[image: a.png]' }],
      ['text/html', { in: 1, content: '<img alt="a" src="cid:a">' }],
    );
    assert.match(messageOf(...listed(shown)).note ?? '', /^<img /);
  });

  it('whose lines a program has broken says its paragraphs as they were typed', () => {
    const flowed = (content: string, more = ''): string | null =>
      messageOf(
        parts([
          'text/plain',
          { content, headers: `Content-Type: text/plain; charset="utf-8"; Format=Flowed${more}\n` },
        ]),
        [],
      ).note;
    assert.equal(
      flowed('One \nparagraph.\nNext\n> asked \n> in two\n>> deeper \n> back\n  indented\n-- \nAnn'),
      '<p>One paragraph.<br />Next<br />&gt; asked in two<br />&gt;&gt; deeper <br />&gt; back<br />\u00a0indented<br />-- <br />Ann</p>'.replace(
        '\u00a0',
        ' ',
      ),
    );
    assert.equal(flowed('日本 \r\n語', '; DelSp=yes'), '<p>日本語</p>');
    const fixed = parts(['text/plain', { content: 'a \nb' }]);
    assert.equal(messageOf(fixed, []).note, '<p>a <br />b</p>');
  });

  it('however deep its parts lie in each other, it is read, and nothing of it is lost', async () => {
    for (const [type, told] of [
      ['multipart/mixed', true],
      ['multipart/alternative', true],
      ['multipart/alternative', false],
    ] as const) {
      const levels = 15_000;
      const deep = Array.from({ length: levels }, (_, at): readonly [string, Given?] => [
        type,
        told && at > 0 ? { in: at } : {},
      ]);
      const all = parts(...deep, ['text/plain', { ...(told ? { in: levels } : {}), content: 'far down' }]);
      assert.equal(messageOf(all, []).note, '<p>far down</p>', `${type} ${told}`);
    }
    const mails = Array.from({ length: 1_000 }, (_, at): readonly [string, Given?] => [
      'message/rfc822',
      at > 0 ? { in: at } : {},
    ]);
    const all = parts(...mails, ['text/plain', { in: 1_000, content: 'x' }]);
    const open = () => Promise.resolve(Readable.from([Buffer.from('far down')]));
    assert.ok((await text(attachedMail(all, '1', open))).includes(Buffer.from('far down').toString('base64')));
  });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  comparableText,
  fieldFingerprint,
  fileFingerprint,
  fingerprintOf,
  noteFingerprint,
  statusFingerprint,
} from '#core/text/fingerprint.ts';
import { cpuMs } from '#test/support/cpu.ts';

test('a note has the same fingerprint after a helpdesk reformatted its HTML', () => {
  const written = '<p>Hello <b>Ann</b>,</p><p>it&#39;s 5 &lt; 6 &amp; caf&eacute;</p><img src="cid:7">';
  for (const readBack of [
    "<div>\n  Hello <strong>Ann</strong>,<br/>\r\n</div>\n<div>it's 5 &lt; 6 &amp; café<img src='/api/attachment/image?token=x>y'/></div>",
    "Hello Ann,\n\nit's 5 &lt; 6 &amp; caf\u00e9",
    '<style>p > b { color: red }</style><!-- <p>x</p> --><P>HELLO&nbsp;Ann,</P><p>it&apos;s 5 &lt; 6 &#x26; cafe\u0301</p>',
  ]) {
    assert.equal(noteFingerprint(readBack, 'hidden'), noteFingerprint(written, 'hidden'), readBack);
  }
});

test('another text or another visibility has another fingerprint', () => {
  assert.notEqual(noteFingerprint('<p>done</p>', 'hidden'), noteFingerprint('<p>done!</p>', 'hidden'));
  assert.notEqual(noteFingerprint('<p>done</p>', 'hidden'), noteFingerprint('<p>done</p>', 'visible'));
  assert.notEqual(noteFingerprint('👍', 'hidden'), noteFingerprint('👎', 'hidden'));
});

test('a "<" that opens no tag stays text, and unfinished markup can not swallow time', () => {
  assert.equal(comparableText('a < b and c > d'), 'a<bandc>d');
  const started = cpuMs();
  comparableText('<a '.repeat(200_000));
  comparableText('<!--'.repeat(200_000));
  comparableText(`<a ${"'".repeat(200_001)}`);
  assert.ok(cpuMs() - started < 1_000);
});

test('status, field and file forms ignore case and spacing but not values', () => {
  assert.equal(statusFingerprint('With  Supplier'), statusFingerprint('with supplier'));
  assert.equal(fieldFingerprint('Options', ['b', 'a']), fieldFingerprint('options', ['A', 'B']));
  assert.equal(fieldFingerprint('Cleared', null), fieldFingerprint('Cleared', ''));
  assert.notEqual(fieldFingerprint('Count', 1), fieldFingerprint('Count', 10));
  assert.equal(fileFingerprint('Trace.log', 10), 'file:trace.log:10');
});

test('one recorded action has one fingerprint, by its note before its status, fields and files', () => {
  const bare = { note: null, visibility: 'hidden', fields: {}, files: [] } as const;
  assert.equal(fingerprintOf({ ...bare, note: '<p>x</p>', status: 'Open' }), noteFingerprint('x', 'hidden'));
  assert.equal(fingerprintOf({ ...bare, note: '<p>&nbsp;</p>', status: 'Open' }), 'status:open');
  assert.equal(fingerprintOf({ ...bare, fields: { b: 1, a: 'x' } }), 'field:a=x&field:b=1');
  assert.equal(fingerprintOf({ ...bare, files: [{ name: 'a.txt', sizeBytes: null }] }), 'file:a.txt:?');
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { defuseTags, defuseTagsInHtml } from '#core/text/defuse.ts';
import { htmlToText, missingFile, noteMaxBytes, sanitise, sanitiseNote } from '#core/text/html.ts';
import { quoted } from '#core/text/quoted.ts';
import { cleanText, escapeHtml, textToHtml } from '#core/text/text.ts';
import { payloads } from '#test/core/payloads.ts';
import { cpuMs } from '#test/support/cpu.ts';

const allowedTags = new Set(
  'p br b strong i em u s a ul ol li blockquote pre code h1 h2 h3 h4 table thead tbody tr td th span div img hr'.split(
    ' ',
  ),
);
const allowedAttributes: Readonly<Record<string, readonly string[]>> = {
  a: ['href', 'title', 'rel'],
  img: ['src', 'alt', 'title', 'width', 'height'],
  td: ['colspan', 'rowspan'],
  th: ['colspan', 'rowspan'],
};

/**
 * Reads the output with a grammar so strict that no parser can read it otherwise: angle brackets only in tags of the
 * list, attributes double-quoted without angle brackets or quotes, no element whose content is raw or foreign. So it is
 * safe inside a div, svg, math, table or select alike.
 */
function faultsOf(html: string): string[] {
  const faults: string[] = [];
  const rest = html.replaceAll(
    /<(\/?)([a-z][a-z0-9]*)((?: [a-z]+(?:="[^"<>]*")?)*)( \/)?>/g,
    (_, close: string, tag: string, attributes: string) => {
      if (!allowedTags.has(tag)) faults.push(`element ${tag}`);
      for (const [, name = '', value = ''] of attributes.matchAll(/ ([a-z]+)(?:="([^"]*)")?/g)) {
        if (close !== '' || !(allowedAttributes[tag] ?? []).includes(name)) faults.push(`attribute ${name} on ${tag}`);
        if (name === 'href' && !['http:', 'https:', 'mailto:'].includes(protocolOf(value)))
          faults.push(`href ${value}`);
        if (name === 'src' && !/^cid:[\w.@+$~-]+$/.test(value)) faults.push(`src ${value}`);
      }
      return '';
    },
  );
  if (/[<>]/.test(rest)) faults.push(`bare angle bracket in ${rest}`);
  if (/\0/.test(html) || !html.isWellFormed()) faults.push('characters that cannot be stored');
  return faults;
}

function protocolOf(value: string): string {
  const url = value.replaceAll('&amp;', '&').replaceAll('&quot;', '"');
  return URL.canParse(url) ? new URL(url).protocol : 'none';
}

for (const payload of payloads) {
  test(`nothing active is left of ${JSON.stringify(payload)}`, () => {
    for (const html of [
      payload,
      `<div>${payload}</div>`,
      `<svg>${payload}`,
      `<math><mi>${payload}`,
      `<table><tr>${payload}`,
      `<select>${payload}`,
    ]) {
      const safe = sanitise(html);
      assert.deepEqual(faultsOf(safe), [], safe);
      assert.equal(sanitise(safe), safe, 'a second pass changes nothing');
    }
  });
}

const pieces = [
  ...payloads.flatMap((payload) => payload.split(/(?=[<>"' =])/)),
  ...'<p> </p> <b> </i> <a href="https://x.example"> <img src="cid:a"> &amp; &lt; &#0; text [#12] \u0000 \ud800 <!-- --> <br> <svg> </svg> <style> </style>'.split(
    ' ',
  ),
];

test('any combination of pieces of hostile notes comes out safe, and unchanged when passed through again', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.constantFrom(...pieces), fc.string({ maxLength: 6 })), { maxLength: 14 }),
      (parts) => {
        const safe = sanitise(parts.join(''));
        assert.deepEqual(faultsOf(safe), []);
        assert.equal(sanitise(safe), safe);
        const note = sanitiseNote(parts.join(''));
        assert.deepEqual(faultsOf(note.html), []);
        const inert = defuseTagsInHtml(safe);
        assert.equal(sanitise(inert), inert);
        assert.equal(defuseTagsInHtml(inert), inert);
        htmlToText(safe);
        for (const mode of ['drop', 'fold', 'keep'] as const) assert.deepEqual(faultsOf(quoted(safe, mode).html), []);
      },
    ),
    { numRuns: 120 },
  );
});

test('what people write is kept: paragraphs, emphasis, lists, tables, code, links', () => {
  const html =
    '<h2>T</h2><p>a <b>b</b> <em>c</em><br />d</p><ul><li>x</li></ul><table><thead><tr><th colspan="2">h</th></tr></thead><tbody><tr><td>1</td></tr></tbody></table><pre><code>  z</code></pre><blockquote>q</blockquote><hr />';
  assert.equal(sanitise(html), html);
  assert.equal(
    sanitise('<a href="https://x.example/?a=1&b=2" class="c">l</a>'),
    '<a href="https://x.example/?a=1&amp;b=2" rel="noopener noreferrer nofollow">l</a>',
  );
});

test('remote images are never loaded: they become links without what may be a token', () => {
  assert.equal(
    sanitise('a<img src="https://user:pass@desk.example/img/1.png?token=s3cret#x" alt="chart">b'),
    'a<a href="https://desk.example/img/1.png" rel="noopener noreferrer nofollow">[image: chart]</a>b',
  );
});

test('images that stand in the note are taken out and referred to by their new ids', () => {
  const note = sanitiseNote(
    '<p><img src="data:image/PNG;base64,iVBO\nRw0="> and <img src="data:image/jpeg;base64,/9j/" alt="b"></p>',
  );
  assert.equal(note.html, '<p><img src="cid:inline-1" /> and <img src="cid:inline-2" alt="b" /></p>');
  assert.deepEqual(note.dataImages, [
    { id: 'inline-1', type: 'image/png', base64: 'iVBORw0=' },
    { id: 'inline-2', type: 'image/jpeg', base64: '/9j/' },
  ]);
  assert.equal(sanitise('<img src="data:image/png;base64,iVBORw0=">'), '<span>[image]</span>');
});

test('a five megabyte image in a note is taken out, and the note is not too long for it', () => {
  const note = sanitiseNote(`<p>x</p><img src="data:image/png;base64,${'A'.repeat(5_000_000)}">`);
  assert.equal(note.html, '<p>x</p><img src="cid:inline-1" />');
  assert.equal(note.whole, null);
});

test('a note over 256 KiB is not cut: a line says so and the whole is to be attached', () => {
  const long = `<p>${'ä'.repeat(noteMaxBytes)}</p><script>x</script>`;
  const note = sanitiseNote(long);
  assert.match(note.html, /^<p>\[This note is 513 KiB long.*note\.html\.\]<\/p>$/);
  assert.equal(note.whole?.text, `<p>${'ä'.repeat(noteMaxBytes)}</p>`);
  assert.equal(sanitiseNote('<p>short</p>').whole, null);
});

test('input beyond all measure is not even parsed, and still attached whole', () => {
  const note = sanitiseNote('x'.repeat(16 * 1024 * 1024 + 1));
  assert.equal(note.whole?.type, 'text/plain');
  assert.ok(note.html.length < 200);
});

const heavy: readonly (readonly [string, string])[] = [
  ['100,000 open divs', '<div>'.repeat(100_000)],
  ['100,000 open divs with text', '<div>x'.repeat(100_000)],
  ['50,000 crossed elements', '<b><i></b>'.repeat(50_000)],
  ['100,000 angle brackets', '<'.repeat(100_000)],
  ['30,000 attributes', `<p ${Array.from({ length: 30_000 }, (_, index) => `a${index}=1`).join(' ')}>`],
  ['100,000 broken entities', '&#'.repeat(100_000)],
  ['20,000 list items that are left open', '<li>x'.repeat(20_000)],
];
for (const [name, html] of heavy) {
  test(`${name} are dealt with in less than a second`, () => {
    const start = cpuMs();
    const safe = sanitise(html);
    assert.ok(cpuMs() - start < 1000, `${cpuMs() - start} ms`);
    assert.ok(safe.length < html.length * 5);
  });
}

test('looking for quoted mail takes less than a second, whatever the note', () => {
  for (const piece of [
    'wrote:',
    'On &lt;a@b&gt; ',
    '&lt;',
    'From:<b>',
    'From: x<br />',
    '&gt; a<br />',
    'On x wrote:<blockquote>',
    '-',
  ]) {
    const html = piece.repeat(Math.floor(200_000 / piece.length));
    const start = cpuMs();
    quoted(html, 'drop');
    defuseTagsInHtml(html);
    assert.ok(cpuMs() - start < 1000, `${piece}: ${cpuMs() - start} ms`);
  }
});

test('the text of a note keeps its paragraphs, lists, links and pictures', () => {
  const html =
    '<h2>Head</h2><p>a &amp; b<br />c</p><ul><li>x</li></ul><p><a href="https://x.example/">site</a> <img src="cid:f" alt="shot" /></p><blockquote>q</blockquote>';
  assert.equal(htmlToText(html), 'Head\n\na & b\nc\n\n * x\n\nsite <https://x.example/> [image: shot]\n\n> q');
  assert.equal(htmlToText(''), '');
});

test('plain text becomes paragraphs, with its columns and nothing active', () => {
  assert.equal(textToHtml('a\r\nb\n\n\n  c  d\n'), '<p>a<br />b</p><p>\u00a0 c\u00a0 d</p>');
  assert.equal(textToHtml('<script>"x"&'), '<p>&lt;script&gt;&quot;x&quot;&amp;</p>');
  assert.equal(textToHtml(' \n '), '');
});

test('text survives the way to HTML and back', () => {
  fc.assert(
    fc.property(fc.array(fc.stringMatching(/^[!-~äß€\u{1f600}]{1,12}$/u), { minLength: 1, maxLength: 5 }), (lines) => {
      assert.equal(htmlToText(textToHtml(lines.join('\n'))), lines.join('\n'));
      const html = textToHtml(lines.join('\n\n'));
      assert.equal(sanitise(html).replaceAll('&quot;', '"'), html.replaceAll('&quot;', '"'));
    }),
    { numRuns: 100 },
  );
});

test('what cannot be stored is taken out, and direction marks that people need stay', () => {
  assert.equal(cleanText('a\0b\u0007c\td\n\ud800e\u2066f\u2069'), 'abc\td\n\ufffde\u2066f\u2069');
  assert.equal(escapeHtml('<a href="x">&'), '&lt;a href=&quot;x&quot;&gt;&amp;');
});

test('a missing file leaves a line that names it and says why', () => {
  assert.equal(
    missingFile('<x>.png', 'it is larger than 25 MiB'),
    '<p>[File &lt;x&gt;.png is missing here: it is larger than 25 MiB]</p>',
  );
});

const tags: readonly (readonly [string, string])[] = [
  ['[rt.local #12]', '(rt.local #12)'],
  ['Re: [Example Desk #12345] VPN', 'Re: (Example Desk #12345) VPN'],
  ['[ID:0001234]', '(ID:0001234)'],
  ['[#123]', '(#123)'],
  ['[Ticket#2026112110000012]', '(Ticket#2026112110000012)'],
  ['[ref:a1b2c3]', '(ref:a1b2c3)'],
  ['ref:_00D2000000abc._5002000000def:ref', 'ref _00D2000000abc._5002000000def'],
  ['[NW-123]', '(NW-123)'],
  ['##- Please type your reply above this line -##', '## - Please type your reply above this line -##'],
  ['an [optional] word, [1] and a[0]', 'an [optional] word, [1] and a[0]'],
  ['issue #12 of 5', 'issue #12 of 5'],
];
for (const [given, expected] of tags) {
  test(`the mail tag in ${JSON.stringify(given)} is inert and readable`, () => {
    assert.equal(defuseTags(given), expected);
    assert.equal(defuseTags(expected), expected);
  });
}

test('mail tags are made inert in text and left alone in links', () => {
  const html = '<p>[#12] <a href="https://x.example/[#12]">[#13]</a></p>';
  assert.equal(defuseTagsInHtml(html), '<p>(#12) <a href="https://x.example/[#12]">(#13)</a></p>');
});

const mails: readonly (readonly [string, string, string])[] = [
  [
    'an attribution with an address, then a quotation',
    '<p>Yes.</p><div>On Mon, Jan 1, 2026 at 10:00 AM Ann &lt;<a href="mailto:a@x.example">a@x.example</a>&gt; wrote:<br /></div><blockquote>old</blockquote>',
    '<p>Yes.</p>',
  ],
  [
    'an attribution in German, then lines',
    'Ja.<br />Am 1. Januar 2026 um 10:00 schrieb Ann:<br />&gt; alt<br />&gt; älter<br />',
    'Ja.<br />',
  ],
  [
    'an answer below the quotation',
    '<div>On 1 Jan 2026, Ann Lee wrote:</div><blockquote>old<blockquote>older</blockquote></blockquote><p>Yes, below.</p>',
    '<p>Yes, below.</p>',
  ],
  ['an original message', '<p>Yes.</p><p>-----Original Message-----</p><p>From: Ann</p><p>old</p>', '<p>Yes.</p>'],
  [
    'the header block of an answered mail',
    '<p>Yes.</p><div><b>From:</b> Ann<br /><b>Sent:</b> Monday<br /><b>To:</b> me<br /><b>Subject:</b> VPN</div><p>old</p>',
    '<p>Yes.</p>',
  ],
];
for (const [name, html, own] of mails) {
  test(`quoted mail is distinguished from what somebody wrote: ${name}`, () => {
    const dropped = quoted(sanitise(html), 'drop');
    assert.equal(dropped.html, own);
    assert.ok(dropped.dropped);
    const folded = quoted(sanitise(html), 'fold');
    assert.ok(folded.html.startsWith(own) && folded.html.includes('<blockquote>'));
    assert.ok(!folded.dropped);
  });
}

const kept: readonly (readonly [string, string])[] = [
  ['a quotation without an attribution', '<p>The error says:</p><blockquote>Disk full</blockquote>'],
  ['a sentence that has wrote in it', '<p>As Ann wrote: the disk is full.</p>'],
  ['a sentence that begins like a header', '<p>From: Berlin. Date: tomorrow.</p>'],
  ['nothing but a quotation', '<div>On 1 Jan 2026, Ann Lee wrote:</div><blockquote>old</blockquote>'],
];
for (const [name, html] of kept) {
  test(`what may not be quoted mail is kept: ${name}`, () => {
    assert.deepEqual(quoted(html, 'drop'), { html, dropped: false });
  });
}

test('folding what is folded changes nothing', () => {
  const html = '<p>Yes.</p><div>On 1 Jan 2026, Ann wrote:</div><blockquote>old</blockquote>';
  const once = quoted(html, 'fold').html;
  assert.equal(quoted(once, 'fold').html, once);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { comparableText } from '#core/text/fingerprint.ts';
import { defuseTagsInHtml } from '#core/text/defuse.ts';
import { htmlToText, sanitise } from '#core/text/html.ts';
import { quoted } from '#core/text/quoted.ts';

const meanings: readonly (readonly [string, string, string])[] = [
  ['lines of preformatted text', '<div style="white-space: pre-wrap">a\nb</div>', '<div>a<br />b</div>'],
  ['columns of preformatted text', '<span style="white-space:pre">a   b</span>', '<span>a\u00a0\u00a0 b</span>'],
  ['lines but not columns', '<p style="white-space:pre-line">a\nb  c</p>', '<p>a<br />b  c</p>'],
  [
    'that white space counts no more further in',
    '<div style="white-space:pre"><p style="white-space:normal">a\nb</p></div>',
    '<div><p>a\nb</p></div>',
  ],
  ['what is struck, whatever the element', '<del>a</del><strike>b</strike><s>c</s>', '<s>a</s><s>b</s><s>c</s>'],
  ['what is struck by its style', '<p style="text-decoration: line-through">a</p>', '<p><s>a</s></p>'],
  ['what was inserted', '<ins>a</ins>', '<u>a</u>'],
  ['what is raised and lowered', 'm<sup>2</sup> H<sub>2</sub>O', 'm<sup>2</sup> H<sub>2</sub>O'],
  ['that bold is taken away around a document', '<b style="font-weight:normal"><i>a</i></b>', '<i>a</i>'],
  ['headings of every rank', '<h5>a</h5><h6>b</h6>', '<h4>a</h4><h4>b</h4>'],
  [
    'terms and what they mean',
    '<dl><dt>a<dd>b<dt>c<dd>d</dl>',
    '<div><div><strong>a</strong></div><div>b</div><div><strong>c</strong></div><div>d</div></div>',
  ],
  [
    'where a list starts, and how it counts',
    '<ol start="3" type="a"><li value="7">x</li></ol>',
    '<ol start="3" type="a"><li value="7">x</li></ol>',
  ],
  [
    'the caption and the foot of a table',
    '<table><caption>a</caption><tfoot><tr><td>b</td></tr></tfoot></table>',
    '<table><tr><td>a</td></tr><tbody><tr><td>b</td></tr></tbody></table>',
  ],
  ['words of cells without a table', '<td>a</td><td>b</td>', 'a b'],
  ['words of elements that nobody knows', '<x-a>a</x-a><x-b>b</x-b>', 'a b'],
  ['a word within which an element changes the font', 'c<font>a</font>t', 'cat'],
  ['words of sections', '<section>a</section><aside>b</aside>', '<div>a</div><div>b</div>'],
  ['a word in angle brackets', 'press <enter> now', 'press &lt;enter&gt; now'],
  ['an address in angle brackets', 'Ann <ann@x.example>', 'Ann &lt;ann@x.example&gt;'],
  ['a comparison', 'if a <b and c', 'if a &lt;b and c'],
  ['what was typed into a text area', '<textarea>a\n b</textarea>', '<pre>a\n b</pre>'],
  ['what is ticked', '<input type=checkbox checked>a<input type=checkbox>b', '[x] a[ ] b'],
  ['who is quoted within a line', '<q>a</q>', '“a”'],
  ['a telephone number behind a word', '<a href="tel:+4912">call</a>', 'call (tel:+4912)'],
  ['a telephone number once', '<a href="tel:+49-12">+49 12</a>', '+49 12'],
  ['a share', '<a href="file://srv/a b">log</a>', 'log (file://srv/a b)'],
  ['a target that is all parameters', '<a href="magnet:?xt=1">film</a>', 'film (magnet:?xt=1)'],
  ['a target without a scheme', '<a href="www.x.example/a">here</a>', 'here (www.x.example/a)'],
  ['the text in the controls of a form', '<button>OK</button><input value=a><input value=b>c', 'OK a b c'],
  ['no target that runs', '<a href="javascript:x()">log</a>', 'log'],
  ['no text that nobody saw', '<span style="display:none">a</span><p hidden>b</p>c', 'c'],
  ['what is shown where scripts do not run', '<noscript><p>a</p></noscript>', '<div><p>a</p></div>'],
];
for (const [what, given, expected] of meanings) {
  test(`a note keeps ${what}`, () => {
    assert.equal(sanitise(given), expected);
    assert.equal(sanitise(expected), expected);
  });
}

test('code is left unchanged, and tags beside it are inert', () => {
  const html = '<p>[#12]</p><pre>x = arr[len-1]; [#12]</pre><code>a[i-2]</code> [ID:0001]';
  assert.equal(defuseTagsInHtml(html), '<p>(#12)</p><pre>x = arr[len-1]; [#12]</pre><code>a[i-2]</code> (ID:0001)');
});

const kept: readonly (readonly [string, string])[] = [
  [
    'answers between quoted lines',
    'thank you.<br />On 2026-01-16 11:29, Desk &lt;d@x.example&gt; wrote:<br />&gt; Which version?<br />7.2<br />&gt; Which site?<br />York',
  ],
  [
    'one answer below what it answers, after a greeting',
    '<p>Hello,</p><p>On 16 Jan 2026, Ann wrote:</p><blockquote>Which site?</blockquote><p>York</p>',
  ],
  [
    'answers between quotations',
    '<div>On 16 Jan 2026, Ann wrote:</div><blockquote>a?</blockquote><p>b</p><blockquote>c?</blockquote><p>d</p>',
  ],
  [
    'answers to an original message',
    '<p>Hi</p><p>-----Original Message-----<br />From: Ann<br />&gt; Which site?<br />York</p>',
  ],
  [
    'a forwarded mail',
    '<p>FYI</p><p>---------- Forwarded message ---------<br />From: Ann<br />Date: Monday<br />Subject: x<br />text</p>',
  ],
];
for (const [what, html] of kept) {
  test(`${what} stay in place, whatever happens to quotations`, () => {
    for (const mode of ['drop', 'fold', 'keep'] as const)
      assert.deepEqual(quoted(html, mode), { html, dropped: false });
  });
}

test('whatever markup surrounds words, no word is lost and none merges with the next', () => {
  const element = fc.constantFrom(
    ...'p div section x-y td li dt dd h5 span b del font blockquote nonsense td tr table ul details summary option'.split(
      ' ',
    ),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(element, fc.boolean()), { minLength: 1, maxLength: 12 }), (elements) => {
      const inline = new Set(['span', 'b', 'del', 'font']);
      // Between two words there is at least one element that is not inline.
      const html = elements
        .map(
          ([name, closed], index) =>
            `${inline.has(name) ? '<br>' : ''}<${name} class="c">w${index}${closed ? `</${name}>` : ''}${inline.has(name) ? '<br>' : ''}`,
        )
        .join('');
      const words = htmlToText(html).match(/w\d+/g) ?? [];
      assert.deepEqual(
        words,
        elements.map((_, index) => `w${index}`),
        html,
      );
      assert.ok(!/w\d+w/.test(htmlToText(html)), `${html} became ${htmlToText(html)}`);
    }),
    { numRuns: 400 },
  );
});

test('a note says the same to a comparison before and after it was made safe', () => {
  for (const html of [
    '<p>a &amp; b</p>',
    '<h5>x</h5><dl><dt>y<dd>z</dl>',
    'x<sup>2</sup>',
    '<pre>a\n b</pre>',
    '&Alpha;&notin;',
  ])
    assert.equal(comparableText(sanitise(html)), comparableText(html));
});

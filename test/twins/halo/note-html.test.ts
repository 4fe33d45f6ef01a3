/** Notes are rendered from a list of elements known to be harmless, whatever was written into them. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';

import { noteHtml } from '#twins/halo/pages/note-html.ts';
import { cpuMs } from '#test/support/cpu.ts';

const show = (html: string): string => noteHtml(html, (id) => (id === 7 ? '/desk/files/7' : null)).toString();

/** Everything a note may come out as. */
const allowed =
  /^(?:[^<>]|<\/?(?:b|strong|i|em|u|s|del|ins|sub|sup|small|code|p|div|blockquote|pre|ul|ol|li|table|tr|td|th)>|<[bh]r>|<\/?a>|<a href="(?:https?:\/\/|mailto:)[^\s"<>]*" target="_blank" rel="noopener noreferrer nofollow">|<img src="(?:\/desk\/files\/7|data:image\/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/=\s]+)" alt="[^"<>]*" decoding="sync">|<span class="missing">[^<>]*<\/span>)*$/;

function assertWellNested(html: string): void {
  const open: string[] = [];
  for (const [, end, name = ''] of html.matchAll(/<(\/?)([a-z0-9]+)[^>]*>/g)) {
    if (/^(?:br|hr|img)$/.test(name)) continue;
    if (end === '') open.push(name);
    else assert.equal(open.pop(), name, html);
  }
  assert.deepEqual(open, [], html);
}

suite('a note as it is shown', () => {
  test('keeps what people format', () => {
    const note =
      '<p>Hi <b>all</b>,<br>see <a href="https://x.example/a?b=1&amp;c=2">this</a> &lt;tag&gt; &amp; that</p><ul><li>1</li><li>2</li></ul><table><tr><td>x</td></tr></table>';
    assert.equal(show(note), note.replace('c=2"', 'c=2" target="_blank" rel="noopener noreferrer nofollow"'));
    assert.equal(show('<h2>Big</h2><table><tbody><tr><th>a'), '<p>Big</p><table><tr><th>a</th></tr></table>');
    assert.equal(show('1 < 2 && 3 > 2'), '1 &lt; 2 && 3 &gt; 2');
    assert.equal(show("<p>don't <i class='x>y'>stop</i>"), "<p>don't <i>stop</i></p>");
  });

  test('shows pictures of the same ticket and those that are in it, and says where one is missing', () => {
    assert.equal(
      show('<img src="http://127.0.0.1:9/api/attachment/7" alt="a &quot;b&quot;">'),
      '<img src="/desk/files/7" alt="a &quot;b&quot;" decoding="sync">',
    );
    assert.match(show('<img src=/twin/attachments/7>'), /^<img src="\/desk\/files\/7" alt="Picture"/);
    assert.match(show('<img src="data:image/png;base64,AAAA">'), /^<img src="data:image\/png;base64,AAAA"/);
    for (const src of ['https://evil.example/p.png', '/api/attachment/8', '//evil.example/api/attachment/7', 'x:y']) {
      assert.equal(
        show(`<img src="${src}" alt="<b>">`),
        '<span class="missing">picture not shown: &lt;b&gt;</span>',
        src,
      );
    }
    assert.match(show('<img src="data:image/svg+xml;base64,AAAA">'), /missing/);
  });

  test('lets nothing through that runs, calls out, steers the page or breaks out of its place', () => {
    const hostile = [
      '<script>alert(1)</script>ok',
      '<SCRIPT SRC=//evil.example/x.js></SCRIPT >ok',
      '<scr<script>ipt>alert(1)</scr</script>ipt>ok',
      '<img src=x onerror=alert(1)>ok',
      '<svg><script>alert(1)</script><a xlink:href="javascript:alert(1)">x</a></svg>ok',
      '<a href="javascript:alert(1)">ok</a>',
      '<a href="jav&#x09;ascript:alert(1)">ok</a>',
      '<a href="&#106;avascript&colon;alert(1)">ok</a>',
      '<a href="data:text/html,<script>alert(1)</script>">ok</a>',
      '<a href="https://x.example/&quot;onmouseover=alert(1)">ok</a>',
      '<p style="position:fixed;inset:0" onclick=alert(1) hx-get="/twin/reset" hx-trigger="load" id="head">ok</p>',
      '<div hx-on:load="alert(1)" sse-connect="//evil" data-hx-post="/twin/reset" class="card">ok</div>',
      '<iframe srcdoc="<script>alert(1)</script>"></iframe>ok',
      '<form action="/twin/reset" method="post"><button>ok</button></form>ok',
      '<meta http-equiv="refresh" content="0;url=//evil"><base href="//evil"><link rel=stylesheet href=//evil>ok',
      '<style>@import "//evil"</style><title></title><textarea></textarea>ok',
      '<math><mtext><table><mglyph><style><img src=x onerror=alert(1)></style></table></mtext></math>ok',
      '<!-- --><!--><script>alert(1)</script>-->ok',
      '<![CDATA[<script>alert(1)</script>]]>ok',
      '<?php echo 1 ?>ok',
      '</section></li></ol></main></body></html>ok',
      '<ul><li>ok<li>ok</li></li></li></ul></li></li>ok',
      '<table><td><div><td></div></table></table><div>ok',
      '<constructor>ok</constructor><__proto__>ok',
      'ok<p',
      'ok<p a="<script>',
      'ok<script>',
      'ok<!--',
      '\0<s\0cript>ok',
      '<noscript><p title="</noscript><img src=x onerror=alert(1)>">ok',
      '<template shadowrootmode=open><p>x</p></template>ok',
      '<input autofocus onfocus=alert(1)><video src=x onerror=alert(1)></video><details open ontoggle=alert(1)>ok',
    ];
    for (const note of hostile) {
      const shown = show(note);
      assert.match(shown, allowed, note);
      assert.match(shown, /ok/, `${note} became ${shown}`);
      assert.doesNotMatch(shown.replaceAll(/>[^<]*/g, '>'), /javascript|onerror|onclick|hx-|style/i, note);
      assertWellNested(shown);
    }
  });

  test('is harmless and well nested for any soup of tags', () => {
    const names = 'a b p div ul li ol table tr td th pre code blockquote img br script svg style h1 dd form x'.split(
      ' ',
    );
    const piece = fc.oneof(
      fc.constantFrom(...names).map((name) => `<${name}>`),
      fc.constantFrom(...names).map((name) => `</${name}>`),
      fc.constantFrom('<', '>', '"', "'", '=', '&lt;', '<!--', '-->', '<a href="', '<img src=', ' onload=x ', 'text'),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
        const shown = show(pieces.join(''));
        assert.match(shown, allowed);
        assertWellNested(shown);
      }),
      { numRuns: 2000 },
    );
  });

  test('takes time that grows with its length only, and does not nest without end', () => {
    const soups = ['<', '<a ', '<!--', '<script>', '<p>', '<b>', '<a href="', '<ul><li>', "='", '<table><tr><td>', '&'];
    const began = cpuMs();
    for (const soup of soups) show(soup.repeat(200_000 / soup.length));
    assert.ok(cpuMs() - began < 5000);
    assert.ok(show('<div>'.repeat(5000)).length < 1000);
  });
});

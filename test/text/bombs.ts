/** Texts that cost a careless program more than their length: each made of a piece that is repeated to the length asked. */

/** `n`: characters, more or less. */
export type Bomb = { readonly name: string; of(n: number): string };

function repeated(piece: string, before = '', after = ''): Bomb {
  return {
    name: JSON.stringify(before + piece + after),
    of: (n) => before + piece.repeat(Math.max(1, Math.floor(n / piece.length))) + after,
  };
}

export const bombs: readonly Bomb[] = [
  // Elements that are never closed, or that are closed without having been opened.
  ...['<p><li>', '<li><td>', '<p>', '<td>', '<li>', '<div>', '<b>', '<table><tr><td>', '<ul><li>', '<blockquote>'],
  ...['<dl><dt>', '<select><option>', '<svg><g>', '<font><p>', '<a href=x>', '<pre>', '<s><u>', '<nonsense>', '<x-y>'],
  ...['</p>', '</x>', '</td>', '<b><i></b>', '<p></b>', '<table></td>', '<h5>x', '<sup>2', '<details><summary>'],
  // Markup that does not end.
  ...[
    '<',
    '<<<>',
    '<img ',
    '<img src',
    '<img src=x ',
    '<a b="',
    "<a b='",
    '<!--',
    '<!',
    '<?',
    '</',
    '<![CDATA[',
    '<a ',
  ],
  ...['<script>', '<style>', '<title>', '<textarea>', '<xmp>', '<iframe>', '<plaintext>', '<script', '</script'],
  ...['<p style="', '<p style="white-space:pre">\n', '<div style=";:">', '<p style="a:b;a:b;', '<img src="cid:'],
  // Entities.
  ...['&', '&#', '&#x', '&amp', '&lt;', '&nbsp;', '&Alpha', '&notit;', '&#0;', '&#1114112;'],
  // Text.
  ...[' ', '\n', '\n ', ' \n', '\t', '\r', '\r\n', '\u00a0', '.', '-', '_', '*', '#', '[', ']', '[#1', '[ID:', '##-'],
  ...['[a#', 'ref:', 'ref:_a', ':ref', '(', '()', '{{', '}}', '{{a', '{{#', '"', "'", '\\', '/', '//', '@', 'a@'],
  ...[
    'a',
    'A',
    '0',
    '1.',
    'é',
    'e\u0301',
    '\u0301\u0327',
    '\u0345\u0301',
    'ﷺ',
    '👩‍👩‍👧‍👦',
    '\ud800',
    '\u200d',
    '\u0000',
    'ß',
    'İ',
  ],
  // Mail.
  ...[
    'wrote:',
    'On x wrote:\n',
    'On 1 Jan 2026, Ann &lt;a@b&gt; wrote:<br />',
    'From:',
    'From: x<br />',
    '&gt; ',
    '&gt; a<br />',
  ],
  ...[
    'From: a<br />Sent: b<br />Subject: c<br />',
    '-----Original Message-----<br />',
    '<blockquote>On 1 Jan 2026 wrote:<br />',
  ],
  ...[
    'On x wrote:<blockquote>x</blockquote>',
    'see below ',
    'Content-Type: text/html\n ',
    'Subject: a\n',
    '; ferry-event="',
  ],
  ...['https://x.example/', 'cid:', 'http://', 'javascript:', 'tel:1', '/Ticket/Attachment/1/', '2026-01-01T'],
].map((piece) => repeated(piece));

export const framed: readonly Bomb[] = [
  repeated(' ', '<pre>', '</pre>'),
  repeated('\n', '<div style="white-space:pre-wrap">', '</div>'),
  repeated('x ', '<a href="tel:1">', '</a>'),
  repeated('</b>', '<b>'.repeat(900)),
  repeated('</x>', '<p><li>'.repeat(450)),
  repeated('<td>x', '<table>'),
  repeated('A', '<img src="data:image/png;base64,', '">'),
  repeated(' a=1', '<p', '>'),
  repeated('. ', 'x', 'y'),
  repeated('#1', '['),
  repeated('<br />&gt; b', 'On 1 Jan 2026, Ann wrote:<br />&gt; a', '<br />c'),
];

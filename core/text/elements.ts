/** How a note treats each HTML element: what it becomes, and whether it separates words. */

/** Elements a note may contain; each is harmless in every desk. */
export const noteElements: ReadonlySet<string> = new Set(
  (
    'p br b strong i em u s a ul ol li blockquote pre code h1 h2 h3 h4 table thead tbody tr td th span div img hr ' +
    'sub sup'
  ).split(' '),
);

/** Elements that are never shown, with all their content. */
export const unseenElements: ReadonlySet<string> = new Set(
  (
    'script style title template iframe noembed noframes canvas datalist rp xml ' +
    'o:officedocumentsettings w:worddocument w:latentstyles m:mathpr'
  ).split(' '),
);

/** Elements with the same meaning as one that a note may contain. */
export const sameAs: ReadonlyMap<string, string> = new Map(
  Object.entries({
    del: 's',
    strike: 's',
    ins: 'u',
    h5: 'h4',
    h6: 'h4',
    kbd: 'code',
    samp: 'code',
    tt: 'code',
    xmp: 'pre',
    listing: 'pre',
    plaintext: 'pre',
    textarea: 'pre',
    dir: 'ul',
    menu: 'ul',
    tfoot: 'tbody',
    dt: 'div',
    dd: 'div',
    ...Object.fromEntries(
      (
        'address article aside center details dialog dl fieldset figcaption figure footer form frameset header hgroup legend ' +
        'main nav noscript search section summary optgroup'
      )
        .split(' ')
        .map((name) => [name, 'div']),
    ),
  }),
);

/** Inline elements without meaning for a note: their content is kept as if they were not there. */
export const transparentElements: ReadonlySet<string> = new Set(
  (
    'abbr acronym bdi bdo big blink body button cite data dfn font g head html label map mark marquee math mi mn mo ' +
    'mrow ms mtext nobr output path q rb rbc rtc ruby small svg time tspan use var area base basefont bgsound col ' +
    'colgroup embed frame input isindex keygen link meta param source track wbr'
  ).split(' '),
);

/** Elements that separate the words before and after them. */
export const blockElements: ReadonlySet<string> = new Set(
  'p ul ol li blockquote pre h1 h2 h3 h4 table thead tbody tr td th div hr br'.split(' '),
);

/** Tells whether this is spelled like an element name on web pages; a word in angle brackets usually is not. */
export function isElementName(name: string): boolean {
  return /^[a-z][a-z0-9]{0,40}(?:[:_-][a-z0-9]{1,40}){0,6}$/.test(name);
}

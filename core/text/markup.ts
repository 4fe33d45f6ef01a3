/**
 * Reads HTML of any quality as a well-nested sequence of elements and texts. The work is linear in the input: the stack
 * is never searched, and beyond a depth that nobody writes no element is opened.
 */
import { Tokenizer } from 'htmlparser2';
import { cleanText } from './text.ts';

/** Elements that never have content. */
export const voidElements: ReadonlySet<string> = new Set(
  'area base basefont bgsound br col embed frame hr img input isindex keygen link meta param source track wbr'.split(
    ' ',
  ),
);

/** Elements open at a time; deeper ones only separate texts. */
const maxDepth = 1000;
/** Only this many attributes of an element are read. */
const maxAttributes = 100;

export type Attributes = ReadonlyMap<string, string>;

export type MarkupReader = {
  /** `source`: the tag as written. */
  open(name: string, attributes: Attributes, source: string): void;
  /** `written`: closed by its own end tag; otherwise by what follows, or by the end of the input. */
  close(name: string, written: boolean): void;
  text(text: string): void;
};

/**
 * Opening one of these elements closes an open one listed in `ends`, unless one listed in `within` is open inside it.
 */
const impliedEnds: ReadonlyMap<string, { readonly ends: readonly string[]; readonly within: readonly string[] }> =
  new Map([
    ['li', { ends: ['li'], within: ['ul', 'ol', 'menu', 'dir', 'td', 'th'] }],
    ['dt', { ends: ['dt', 'dd'], within: ['dl', 'td', 'th'] }],
    ['dd', { ends: ['dt', 'dd'], within: ['dl', 'td', 'th'] }],
    ['option', { ends: ['option'], within: ['select'] }],
    ['td', { ends: ['td', 'th'], within: ['table'] }],
    ['th', { ends: ['td', 'th'], within: ['table'] }],
    ['tr', { ends: ['tr', 'caption'], within: ['table'] }],
    ['thead', { ends: ['thead', 'tbody', 'tfoot', 'caption'], within: ['table'] }],
    ['tbody', { ends: ['thead', 'tbody', 'tfoot', 'caption'], within: ['table'] }],
    ['tfoot', { ends: ['thead', 'tbody', 'tfoot', 'caption'], within: ['table'] }],
    ['a', { ends: ['a'], within: ['td', 'th'] }],
  ]);

const endsParagraph: ReadonlySet<string> = new Set(
  (
    'address article aside blockquote center dd details dialog dir div dl dt fieldset figcaption figure footer form h1 h2 h3 h4 h5 ' +
    'h6 header hgroup hr li main menu nav ol p pre section summary table ul'
  ).split(' '),
);

/** An end tag inside a cell closes nothing outside it, except parts of the table itself. */
const cells: readonly string[] = ['td', 'th', 'caption'];
const tableParts: ReadonlySet<string> = new Set('table tbody thead tfoot tr td th caption body html'.split(' '));

/** The open elements, and where those of each name are, so that the stack is never searched. */
class Open {
  readonly stack: string[] = [];
  readonly #places = new Map<string, number[]>();

  push(name: string): void {
    const places = this.#places.get(name);
    if (places === undefined) this.#places.set(name, [this.stack.length]);
    else places.push(this.stack.length);
    this.stack.push(name);
  }

  pop(): string | undefined {
    const name = this.stack.pop();
    if (name !== undefined) this.#places.get(name)?.pop();
    return name;
  }

  /** Returns the position of the innermost element with one of these names, or -1. */
  last(names: readonly string[]): number {
    let found = -1;
    for (const name of names) found = Math.max(found, this.#places.get(name)?.at(-1) ?? -1);
    return found;
  }
}

/** Returns the character of an entity; control characters, which nothing can store, are dropped. */
function characterOf(codepoint: number): string {
  return cleanText(String.fromCodePoint(codepoint));
}

/** Calls the reader for every element and text; each `open` of a non-void element gets a `close`. */
export function readMarkup(html: string, reader: MarkupReader): void {
  const open = new Open();
  /** Elements that were too deep to open, by name: their end tags close nothing. */
  const unopened = new Map<string, number>();
  let text = '';
  let name = '';
  let tagStart = 0;
  let isUnfinished = false;
  let attributes = new Map<string, string>();
  let attribute: string | null = null;
  let value = '';

  const flush = (): void => {
    if (text !== '') reader.text(text);
    text = '';
  };
  const closeTo = (depth: number, written = false): void => {
    while (open.stack.length > depth) {
      const closed = open.pop();
      if (closed !== undefined) reader.close(closed, written && open.stack.length === depth);
    }
  };
  const imply = (opening: string): void => {
    const rule = impliedEnds.get(opening);
    if (rule !== undefined) {
      const place = open.last(rule.ends);
      if (place > open.last(rule.within)) closeTo(place);
    }
    if (open.stack.at(-1) === 'p' && endsParagraph.has(opening)) closeTo(open.stack.length - 1);
  };
  const opened = (endIndex: number): void => {
    isUnfinished = false;
    flush();
    imply(name);
    const source = html.slice(tagStart, endIndex + 1);
    if (voidElements.has(name)) {
      reader.open(name, attributes, source);
    } else if (open.stack.length >= maxDepth) {
      unopened.set(name, (unopened.get(name) ?? 0) + 1);
      reader.text(' ');
    } else {
      open.push(name);
      reader.open(name, attributes, source);
    }
  };

  const tokenizer = new Tokenizer(
    { decodeEntities: true },
    {
      ontext: (start, end) => {
        text += html.slice(start, end);
      },
      ontextentity: (codepoint) => {
        text += characterOf(codepoint);
      },
      onopentagname: (start, end) => {
        tagStart = start - 1;
        isUnfinished = true;
        name = html.slice(start, end).toLowerCase();
        attributes = new Map();
        attribute = null;
      },
      onattribname: (start, end) => {
        attribute = attributes.size < maxAttributes ? html.slice(start, end).toLowerCase() : null;
        value = '';
      },
      onattribdata: (start, end) => {
        if (attribute !== null) value += html.slice(start, end);
      },
      onattribentity: (codepoint) => {
        if (attribute !== null) value += characterOf(codepoint);
      },
      onattribend: () => {
        if (attribute !== null && !attributes.has(attribute)) attributes.set(attribute, value);
        attribute = null;
      },
      onopentagend: opened,
      onselfclosingtag: opened,
      onclosetag: (start, end) => {
        flush();
        const closing = html.slice(start, end).toLowerCase();
        if (closing === 'br') return reader.open('br', new Map(), '<br>');
        const deep = unopened.get(closing) ?? 0;
        if (deep > 0) {
          unopened.set(closing, deep - 1);
          return reader.text(' ');
        }
        const place = open.last([closing]);
        if (place === -1 || (!tableParts.has(closing) && open.last(cells) > place)) return undefined;
        return closeTo(place, true);
      },
      onend: () => undefined,
      oncdata: () => undefined,
      oncomment: () => flush(),
      ondeclaration: () => flush(),
      onprocessinginstruction: () => flush(),
    },
  );
  tokenizer.write(html);
  tokenizer.end();
  flush();
  // `a <b and c`: a comparison, not a tag that was cut off.
  const rest = isUnfinished ? html.slice(tagStart) : '';
  if (/\s\w/.test(rest) && !rest.includes('=')) reader.text(rest);
  closeTo(0);
}

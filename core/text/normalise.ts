/**
 * Converts arbitrary HTML into the elements that a note may contain without changing its meaning: struck text stays
 * struck, line breaks stay, words stay separate, and nothing that people saw is lost. The result is correctly nested but not
 * yet safe: core/text/html.ts passes it through the allow-list.
 */
import { blockElements, isElementName, noteElements, sameAs, transparentElements, unseenElements } from './elements.ts';
import { linkOf } from './links.ts';
import { readMarkup, voidElements, type Attributes } from './markup.ts';
import { meaningOf, type WhiteSpace } from './style.ts';
import { escapeHtml, keptSpaces } from './text.ts';

/** An image as the note will show it: an element, or a text with or without a link. */
export type Shown =
  | { readonly kind: 'image'; readonly attributes: readonly (readonly [string, string])[] }
  | { readonly kind: 'text'; readonly text: string; readonly href: string | null }
  | { readonly kind: 'nothing' };

/** Nobody can read anything that is nested more deeply. */
const maxDepth = 90;

/** Elements that the allow-list's parser closes by itself when one of these begins directly inside them. */
const endedBy: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ...['p', 'blockquote', 'div', 'hr', 'ol', 'pre', 'table', 'ul'].map((name) => [name, new Set(['p'])] as const),
  ...['h1', 'h2', 'h3', 'h4'].map((name) => [name, new Set(['h1', 'h2', 'h3', 'h4', 'p'])] as const),
  ['tr', new Set(['tr', 'th', 'td'])],
  ['th', new Set(['th', 'td'])],
  ['td', new Set(['thead', 'th', 'td'])],
  ['a', new Set(['a'])],
  ['li', new Set(['li'])],
  ['thead', new Set(['thead', 'tbody'])],
  ['tbody', new Set(['thead', 'tbody'])],
]);

const rowGroups: ReadonlySet<string> = new Set(['table', 'thead', 'tbody']);
/** Where each part of a table belongs; any other open element is closed when it begins. */
const partOf: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ['thead', new Set(['table'])],
  ['tbody', new Set(['table'])],
  ['tr', rowGroups],
  ['td', new Set([...rowGroups, 'tr'])],
  ['th', new Set([...rowGroups, 'tr'])],
]);

type Out = { readonly tag: string; isOpen: boolean };

type Frame = {
  readonly outs: readonly Out[];
  readonly whiteSpace: WhiteSpace;
  readonly hides: boolean;
  /** Text that follows when the element ends. */
  readonly after: string;
  /** A target that is shown as text after the link. */
  readonly target: string | null;
  /** Position and source of a tag that may turn out to be a word in angle brackets. */
  readonly word: { readonly place: number; readonly source: string } | null;
  readonly separates: boolean;
};

const plain: Frame = {
  outs: [],
  whiteSpace: 'normal',
  hides: false,
  after: '',
  target: null,
  word: null,
  separates: false,
};

export function normalise(html: string, image: (attributes: Attributes) => Shown): string {
  const pieces: string[] = [];
  const outs: Out[] = [];
  const frames: Frame[] = [];
  const count = { hidden: 0, pre: 0, table: 0, a: 0 };
  /** The last character written; empty at the beginning of a block. */
  let last = '';
  let separated = false;
  /** The text of the innermost link, up to a limit. */
  let said = '';

  const put = (markup: string, lastCharacter: string): void => {
    pieces.push(markup);
    last = lastCharacter;
  };
  const counted = (tag: string, by: 1 | -1): void => {
    if (tag === 'pre' || tag === 'table' || tag === 'a') count[tag] += by;
    if (!blockElements.has(tag)) return;
    last = '';
    separated = false;
  };
  const closeOut = (out: Out): void => {
    while (out.isOpen) {
      const top = outs.pop();
      if (top === undefined) return;
      top.isOpen = false;
      pieces.push(`</${top.tag}>`);
      counted(top.tag, -1);
    }
  };
  const openOut = (tag: string, attributes: readonly (readonly [string, string])[] = []): Out | null => {
    const ends = endedBy.get(tag);
    for (let top = outs.at(-1); top !== undefined && ends?.has(top.tag) === true; top = outs.at(-1)) closeOut(top);
    // A table contains rows, a row contains cells, and only a cell contains anything else; browsers would move other
    // content and join words.
    const within = partOf.get(tag);
    if (within !== undefined && count.table > 0) {
      for (let top = outs.at(-1); top !== undefined && !within.has(top.tag); top = outs.at(-1)) closeOut(top);
    }
    if (within === undefined) enterCell();
    else if ((tag === 'td' || tag === 'th') && rowGroups.has(outs.at(-1)?.tag ?? '')) openOut('tr');
    if (outs.length >= maxDepth) {
      if (blockElements.has(tag)) separated = true;
      return null;
    }
    counted(tag, 1);
    const written = attributes.map(([name, value]) => ` ${name}="${escapeHtml(value)}"`).join('');
    if (voidElements.has(tag)) {
      pieces.push(`<${tag}${written} />`);
      if (tag === 'pre' || tag === 'table' || tag === 'a') count[tag] -= 1;
      return null;
    }
    pieces.push(`<${tag}${written}>`);
    const out = { tag, isOpen: true };
    outs.push(out);
    return out;
  };
  const enterCell = (): void => {
    const around = outs.at(-1)?.tag ?? '';
    if (rowGroups.has(around)) openOut('tr');
    if (rowGroups.has(around) || around === 'tr') openOut('td');
  };
  const text = (given: string): void => {
    if (count.hidden > 0 || given === '') return;
    if (given.trim() !== '') enterCell();
    if (separated && last !== '' && !/\s/.test(last) && !/^\s/.test(given)) put(' ', ' ');
    separated = false;
    if (count.a > 0 && said.length < 2000) said += given.slice(0, 2000);
    const space = count.pre > 0 ? 'normal' : (frames.at(-1)?.whiteSpace ?? 'normal');
    put(space === 'normal' ? escapeHtml(given) : inLines(given, space), given.at(-1) ?? '');
  };
  const picture = (attributes: Attributes): void => {
    const shown = image(attributes);
    if (shown.kind === 'nothing') return;
    if (shown.kind === 'image') {
      openOut('img', shown.attributes);
      last = 'x';
      separated = false;
      return;
    }
    const out =
      shown.href === null || count.a > 0
        ? openOut('span')
        : openOut('a', [
            ['href', shown.href],
            ['rel', linkRel],
          ]);
    text(shown.text);
    if (out !== null) closeOut(out);
  };

  readMarkup(html, {
    text,
    open: (name, attributes, source) => {
      const within = frames.at(-1)?.whiteSpace ?? 'normal';
      const isVoid = voidElements.has(name);
      if (count.hidden > 0) {
        if (!isVoid) frames.push({ ...plain, whiteSpace: within });
        return;
      }
      const meaning = meaningOf(attributes.get('style'));
      if (
        unseenElements.has(name) ||
        meaning.hidden ||
        (attributes.has('hidden') && attributes.get('hidden') !== 'false')
      ) {
        if (isVoid) return;
        count.hidden += 1;
        frames.push({ ...plain, whiteSpace: within, hides: true });
        return;
      }
      if (name === 'img') return picture(attributes);
      if (name === 'input') {
        const shown = inputText(attributes);
        // An input field is a box of its own; a checkbox belongs to what follows.
        const isBox = shown !== '' && !shown.endsWith(' ');
        if (isBox) separated = true;
        text(shown);
        if (isBox) separated = true;
        return;
      }
      if (name === 'br' || name === 'hr') {
        openOut(name);
        return;
      }
      if (isVoid) return;

      const wanted = wantedOf(name, attributes, meaning.notBold, count.table > 0);
      const whiteSpace = meaning.whiteSpace ?? (name === 'textarea' ? 'kept' : within);
      const link = name === 'a' ? linkOf(attributes.get('href')) : null;
      const mayBeWord = wanted === null && isWord(name, attributes);
      if (mayBeWord) enterCell();
      const word = mayBeWord ? { place: pieces.length, source } : null;
      if (wanted === null) {
        if (isElementName(name)) separated = true;
        else text(source);
        if (word !== null) pieces.push('');
      }
      if (name === 'q') text('“');
      const opened: Out[] = [];
      for (const tag of wanted ?? []) {
        const out = openOut(tag, attributesFor(tag, attributes, link?.href ?? null));
        if (out !== null) opened.push(out);
      }
      for (const tag of meaning.elements) {
        if (wanted?.includes(tag) === true || (tag === 'b' && wanted?.includes('strong') === true)) continue;
        if ((tag === 'u' && name === 'a') || (tag === 'b' && /^(?:h[1-6]|th)$/.test(name))) continue;
        const out = openOut(tag);
        if (out !== null) opened.push(out);
      }
      if (name === 'a') said = '';
      const target = link?.said ?? null;
      if (target !== null) count.a += 1;
      frames.push({
        outs: opened,
        whiteSpace,
        hides: false,
        after: name === 'q' ? '”' : '',
        target,
        word,
        separates: wanted === null,
      });
    },
    close: (_, written) => {
      const frame = frames.at(-1);
      if (frame === undefined) return;
      if (frame.target !== null) {
        count.a -= 1;
        if (!says(said, frame.target)) text(said.trim() === '' ? frame.target : ` (${frame.target})`);
      }
      text(frame.after);
      frames.pop();
      const [outermost] = frame.outs;
      if (outermost !== undefined) closeOut(outermost);
      if (frame.hides) count.hidden -= 1;
      if (frame.word !== null && !written && count.hidden === 0)
        pieces[frame.word.place] = escapeHtml(frame.word.source);
      if (frame.separates) separated = true;
    },
  });
  return pieces.join('');
}

export const linkRel = 'noopener noreferrer nofollow';

/** Returns the note's elements that replace this one, outermost first; null for an unknown element. */
function wantedOf(name: string, attributes: Attributes, notBold: boolean, inTable: boolean): readonly string[] | null {
  if ((name === 'b' || name === 'strong') && notBold) return [];
  if (name === 'a') return linkOf(attributes.get('href'))?.href == null ? [] : ['a'];
  if (name === 'dt') return ['div', 'strong'];
  if (!inTable && /^(?:td|th)$/.test(name)) return null;
  if (!inTable && /^(?:tr|caption)$/.test(name)) return ['div'];
  if (!inTable && /^(?:thead|tbody|tfoot)$/.test(name)) return [];
  if (name === 'caption') return ['tr', 'td'];
  if (noteElements.has(name)) return [name];
  const same = sameAs.get(name);
  if (same !== undefined) return [same];
  // Word processors' own elements, such as o:p, are inline.
  return transparentElements.has(name) || /^(?:o|w|v|m|st1|u\d):/.test(name) ? [] : null;
}

function attributesFor(tag: string, given: Attributes, href: string | null): readonly (readonly [string, string])[] {
  const kept = (name: string, pattern: RegExp): readonly (readonly [string, string])[] => {
    const value = given.get(name)?.trim();
    return value !== undefined && pattern.test(value) ? [[name, value]] : [];
  };
  switch (tag) {
    case 'a': {
      const title = given.get('title');
      return [
        ...(href === null ? [] : [['href', href] as const]),
        ...(title === undefined ? [] : [['title', title] as const]),
        ['rel', linkRel],
      ];
    }
    case 'ol':
      return [
        ...kept('start', /^-?\d{1,6}$/),
        ...kept('type', /^[1aAiI]$/),
        ...(given.has('reversed') ? [['reversed', 'reversed'] as const] : []),
      ];
    case 'li':
      return kept('value', /^-?\d{1,6}$/);
    case 'td':
    case 'th':
      return [...kept('colspan', /^[1-9]\d{0,2}$/), ...kept('rowspan', /^[1-9]\d{0,2}$/)];
    default:
      return [];
  }
}

/**
 * Tells whether a tag may be a word: a name that HTML does not have, without values. Somebody may have written `<your
 * name>` and meant it.
 */
function isWord(name: string, attributes: Attributes): boolean {
  if (!isElementName(name) || /[:_-]/.test(name) || /^(?:td|th|option|object|applet|video|audio)$/.test(name))
    return false;
  for (const value of attributes.values()) if (value !== '') return false;
  return true;
}

function inputText(attributes: Attributes): string {
  const type = attributes.get('type')?.trim().toLowerCase() ?? 'text';
  const isOn = attributes.has('checked');
  if (type === 'checkbox') return isOn ? '[x] ' : '[ ] ';
  if (type === 'radio') return isOn ? '(x) ' : '( ) ';
  return /^(?:hidden|password|file|image|color|range|submit|reset|button)$/.test(type)
    ? ''
    : (attributes.get('value') ?? '');
}

/** Escapes text in which line breaks, or line breaks and spaces, count. */
function inLines(text: string, whiteSpace: Exclude<WhiteSpace, 'normal'>): string {
  const escaped = escapeHtml(text.replaceAll(/\r\n?/g, '\n'));
  return (whiteSpace === 'kept' ? keptSpaces(escaped) : escaped).replaceAll('\n', '<br />');
}

/** Tells whether a link's text already names its target, ignoring spacing. */
function says(text: string, target: string): boolean {
  const bare = (value: string): string => value.replaceAll(/[\s()/.-]/g, '').toLowerCase();
  const scheme = target.indexOf(':') + 1;
  const named = bare(target.slice(scheme).split('?', 1)[0] ?? '') || bare(target);
  return bare(text).includes(named);
}

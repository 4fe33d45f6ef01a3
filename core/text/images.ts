/** Finds the images in a note and rewrites their sources. */
import { Tokenizer } from 'htmlparser2';
import { escapeHtml } from './text.ts';

/** A new source, HTML to put in place of the element, or null to leave it unchanged. */
export type Rewritten = { readonly src: string } | { readonly instead: string } | null;

/** Longer notes are left unchanged: nobody writes them, and they are attached in full. Characters. */
const maxLength = 1024 * 1024;

/** Rewrites each `<img>` whose source `of` recognises; the rest of the HTML is unchanged. */
export function rewriteImages(html: string, of: (src: string) => Rewritten): string {
  if (html.length > maxLength || !/<img/i.test(html)) return html;
  const pieces: string[] = [];
  let copied = 0;
  let tagStart = -1;
  let nameEnd = -1;
  let value = '';
  /** The first `src` attribute: from the end of its name to the end of its value. */
  let source: { readonly from: number; readonly to: number; readonly value: string } | null = null;

  const replace = (from: number, to: number, by: string): void => {
    pieces.push(html.slice(copied, from), by);
    copied = to;
  };
  const end = (endIndex: number): void => {
    if (source !== null) {
      const rewritten = of(source.value);
      if (rewritten !== null && 'src' in rewritten) replace(source.from, source.to, `="${escapeHtml(rewritten.src)}"`);
      else if (rewritten !== null) replace(tagStart, endIndex + 1, rewritten.instead);
    }
    tagStart = -1;
    source = null;
  };

  const tokenizer = new Tokenizer(
    { decodeEntities: true },
    {
      onopentagname: (start, endIndex) => {
        tagStart = html.slice(start, endIndex).toLowerCase() === 'img' ? start - 1 : -1;
        source = null;
      },
      onattribname: (start, endIndex) => {
        const isSource = tagStart !== -1 && source === null && html.slice(start, endIndex).toLowerCase() === 'src';
        nameEnd = isSource ? endIndex : -1;
        value = '';
      },
      onattribdata: (start, endIndex) => {
        if (nameEnd !== -1) value += html.slice(start, endIndex);
      },
      onattribentity: (codepoint) => {
        if (nameEnd !== -1) value += String.fromCodePoint(codepoint);
      },
      onattribend: (_, endIndex) => {
        if (nameEnd !== -1) source = { from: nameEnd, to: endIndex, value };
        nameEnd = -1;
      },
      onopentagend: end,
      onselfclosingtag: end,
      ontext: () => undefined,
      ontextentity: () => undefined,
      onclosetag: () => undefined,
      onend: () => undefined,
      oncdata: () => undefined,
      oncomment: () => undefined,
      ondeclaration: () => undefined,
      onprocessinginstruction: () => undefined,
    },
  );
  tokenizer.write(html);
  tokenizer.end();
  pieces.push(html.slice(copied));
  return pieces.join('');
}

/** Splits a note into the lines that people see, with their positions in its HTML, which must be the sanitiser's. */
import { decodeHTML } from './plain.ts';

export type Line = {
  /** Without tags; the first thousand characters. An image counts as text. */
  readonly text: string;
  /** Positions in the HTML: of the first character, and after the last one. */
  readonly start: number;
  readonly end: number;
  /** Depth of quotation. */
  readonly depth: number;
  /** Position of the outermost quotation around it; meaningless outside one. */
  readonly quoteStart: number;
  readonly quoteEnd: number;
  /** The end of a paragraph or block, not only of a line. */
  readonly endsBlock: boolean;
};

const maxText = 1000;
const token = /<[^<>]*>|[^<]+|</g;
const boundary =
  /^<\/?(?:p|div|blockquote|ul|ol|li|table|thead|tbody|tr|td|th|pre|h[1-4])(?: [^>]*)?>$|^<(?:br|hr) \/>$/;

type Growing = { -readonly [key in keyof Line]: Line[key] };

/** Returns the non-empty lines, from the top. */
export function linesOf(html: string): readonly Line[] {
  const lines: Growing[] = [];
  let text = '';
  let start = -1;
  let end = 0;
  let depth = 0;
  let quoteStart = 0;
  let opened = 0;
  /** Index of the first line of the open outermost quotation, whose end is not yet known. */
  let firstQuoted = 0;

  const finish = (endsBlock: boolean): void => {
    const seen = decodeHTML(text).trim();
    if (start !== -1 && seen !== '') {
      lines.push({ text: seen, start, end, depth, quoteStart, quoteEnd: html.length, endsBlock });
    }
    text = '';
    start = -1;
  };
  const put = (piece: string, at: number): void => {
    if (start === -1) {
      if (piece.trim() === '') return;
      start = at;
    }
    if (text.length < maxText) text += piece.slice(0, maxText);
    end = at + piece.length;
  };

  for (const { 0: piece, index } of html.matchAll(token)) {
    if (!piece.startsWith('<') || piece === '<') {
      // Line breaks in the source count as blanks, except in preformatted text, where each ends a line.
      if (opened === 0 || !piece.includes('\n')) put(piece, index);
      else preformatted(piece, index);
      continue;
    }
    if (piece.startsWith('<img')) put('[image]', index);
    else if (boundary.test(piece)) finish(piece !== '<br />');
    if (piece.startsWith('<pre')) opened += 1;
    if (piece === '</pre>') opened = Math.max(0, opened - 1);
    if (piece === '<blockquote>') {
      if (depth === 0) {
        quoteStart = index;
        firstQuoted = lines.length;
      }
      depth += 1;
    } else if (piece === '</blockquote>' && depth > 0) {
      depth -= 1;
      if (depth === 0) for (const line of lines.slice(firstQuoted)) line.quoteEnd = index + piece.length;
    }
  }
  finish(true);
  return lines;

  function preformatted(piece: string, index: number): void {
    let at = index;
    for (const line of piece.split(/(?<=\n)/)) {
      put(line, at);
      if (line.endsWith('\n')) finish(false);
      at += line.length;
    }
  }
}

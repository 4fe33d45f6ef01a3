/** Extracts the bare text of HTML without parsing it by HTML's rules: cheap and linear for any input. */
import { decodeHTML } from 'entities';

export { decodeHTML } from 'entities';

const rawText = ['script', 'style', 'head', 'title'];

/** Returns text with line breaks roughly where the HTML has them; for showing HTML that could not be parsed. */
export function plainText(html: string): string {
  return decodeHTML(withoutTags(html, (tag) => (lineEnd.test(tag) ? '\n' : ' ')));
}

const lineEnd = /^\/?(?:p|div|br|tr|li|h[1-6]|table|blockquote|pre)\b/i;

/**
 * Removes tags in one pass, so that hostile markup costs no more than its length. An unfinished tag at the end is
 * dropped.
 */
export function withoutTags(html: string, instead: (tag: string) => string): string {
  // ASCII only: lower-casing other characters could change the length.
  const lower = html.replaceAll(/[A-Z]+/g, (letters) => letters.toLowerCase());
  const kept: string[] = [];
  for (let at = 0; ;) {
    const open = html.indexOf('<', at);
    if (open === -1) return kept.join('') + html.slice(at);
    kept.push(html.slice(at, open));
    if (html.startsWith('!--', open + 1)) {
      at = after(html, '-->', open + 4);
    } else if (/[a-z/!?]/.test(lower.charAt(open + 1))) {
      at = endOfTag(html, open + 1);
      kept.push(instead(lower.slice(open + 1, open + 12)));
      const name = rawText.find(
        (raw) => lower.startsWith(raw, open + 1) && !/[a-z0-9]/.test(lower.charAt(open + 1 + raw.length)),
      );
      if (name !== undefined) at = after(lower, '>', after(lower, `</${name}`, at));
    } else {
      kept.push('<');
      at = open + 1;
    }
  }
}

function after(text: string, mark: string, from: number): number {
  const found = text.indexOf(mark, from);
  return found === -1 ? text.length : found + mark.length;
}

/** Returns the position after the `>` that closes the tag; a `>` inside quotes does not close it. */
function endOfTag(html: string, from: number): number {
  const stop = /[>"']/g;
  stop.lastIndex = from;
  for (;;) {
    const mark = stop.exec(html)?.[0];
    if (mark === undefined) return html.length;
    if (mark === '>') return stop.lastIndex;
    stop.lastIndex = after(html, mark, stop.lastIndex);
  }
}

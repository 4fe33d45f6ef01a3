/** The bare text of HTML, without a parser of HTML's rules: cheap and linear whatever it is given. */
import { decodeHTML } from 'entities';

export { decodeHTML } from 'entities';

const rawText = ['script', 'style', 'head', 'title'];

/** Lines where HTML has them, more or less; for a text that must be shown although its HTML could not be read. */
export function plainText(html: string): string {
  return decodeHTML(withoutTags(html, (tag) => (lineEnd.test(tag) ? '\n' : ' ')));
}

const lineEnd = /^\/?(?:p|div|br|tr|li|h[1-6]|table|blockquote|pre)\b/i;

/** One pass, so that hostile markup costs no more than its length; what is unfinished at the end is dropped. */
export function withoutTags(html: string, instead: (tag: string) => string): string {
  // ASCII only: lower-casing the rest could change lengths.
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

/** Just behind the `>` that closes the tag; a `>` inside quotes closes nothing. */
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

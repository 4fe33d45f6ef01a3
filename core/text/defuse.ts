/**
 * Makes other desks' mail tags inert: a desk that reads `[rt.local #12]` or `[ID:123]` in a mail or subject would take
 * it for a reply to its own ticket. People can still read them.
 */

/** `[rt.local #12]`, `[#123]`, `[Ticket#2026 12]`, `[ID:123]`, `[ref:a1b2]`, `[NW-123]`, in square brackets. */
const bracketed =
  /\[((?:[^[\]<>\n]{0,80}?#\s?\d{1,20}|(?:id|ref|case|ticket|request|sr|inc)\s?[:#-][^[\]<>\n]{1,120}|[a-z][a-z0-9]{1,9}-\d{1,12})[^[\]<>\n]{0,20})\]/gi;
/** Salesforce's thread token, `ref:_00D…:ref`, and Freshworks' and others' `##- … -##` separators. */
const threadToken = /\bref:(_?[!-9;A-Za-z_~]{3,80}):ref\b/gi;
const separator = /##-/g;

/** Idempotent; text that is not a tag is unchanged. */
export function defuseTags(text: string): string {
  return text.replaceAll(bracketed, '($1)').replaceAll(threadToken, 'ref $1').replaceAll(separator, '## -');
}

/** Does the same for the text of sanitised HTML; tags, attributes and code are unchanged. */
export function defuseTagsInHtml(html: string): string {
  let code = 0;
  return html.replaceAll(/(<[^<>]*>)|[^<]+|</g, (piece, tag: string | undefined) => {
    if (tag === undefined) return code > 0 ? piece : defuseTags(piece);
    if (/^<(?:pre|code)\b/i.test(tag)) code += 1;
    else if (/^<\/(?:pre|code)\b/i.test(tag)) code = Math.max(0, code - 1);
    return tag;
  });
}

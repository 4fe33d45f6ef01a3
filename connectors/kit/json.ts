/**
 * Reads a reply as JSON. A success status is not enough: a captive portal or a sign-in proxy answers 200 with HTML, so the content
 * type and the shape must be right. Removes or refuses what databases and serialisers can't handle: NULs, lone surrogates, absurd
 * nesting.
 */
import { HelpdeskError } from '#connectors/contract/errors.ts';
import type { HttpReply } from '#connectors/contract/http.ts';

const maxDepth = 64;

/** `write`: the request changed something, so an unreadable answer leaves it in doubt. */
export type JsonOptions = { readonly write: boolean; readonly what: string };

export function parseJson(reply: HttpReply, options: JsonOptions): unknown {
  const type = (reply.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (type !== 'application/json' && !type.endsWith('+json')) {
    throw notJson(options, `answered with ${type === '' ? 'no content type' : type.slice(0, 60)} instead of JSON`);
  }
  if (isTooDeep(reply.text)) throw notJson(options, 'answered with JSON nested too deeply');
  try {
    return /\\u(?:0000|[dD][89a-fA-F])/.test(reply.text) ? JSON.parse(reply.text, wellFormed) : JSON.parse(reply.text);
  } catch {
    throw notJson(options, 'answered with text that is not valid JSON');
  }
}

/** For replies that did not match a schema: what was expected, never what was there. */
export function unexpectedShape(options: JsonOptions, where: string): HelpdeskError {
  return notJson(options, `answered with JSON of another shape than expected (at ${where === '' ? 'the top' : where})`);
}

function notJson(options: JsonOptions, what: string): HelpdeskError {
  const after = options.write ? ' The change may or may not have been made.' : '';
  return new HelpdeskError(
    options.write ? 'in-doubt' : 'retry',
    'not-json',
    `${options.what}: the helpdesk ${what}.${after}`,
  );
}

function wellFormed(_key: string, value: unknown): unknown {
  return typeof value === 'string' ? value.toWellFormed().replaceAll('\0', '') : value;
}

function isTooDeep(text: string): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x22) {
      at = endOfString(text, at + 1);
    } else if (code === 0x5b || code === 0x7b) {
      if (++depth > maxDepth) return true;
    } else if (code === 0x5d || code === 0x7d) {
      depth--;
    }
  }
  return false;
}

function endOfString(text: string, from: number): number {
  let at = from;
  for (;;) {
    const quote = text.indexOf('"', at);
    if (quote === -1) return text.length;
    let slashes = 0;
    while (text.charCodeAt(quote - 1 - slashes) === 0x5c) slashes++;
    if (slashes % 2 === 0) return quote;
    at = quote + 1;
  }
}

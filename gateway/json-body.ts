/**
 * Reads a request's body as JSON, strictly. The built-in way turns invalid UTF-8 into other characters and accepts
 * nesting that later code can't walk.
 */
import type { Context } from 'hono';
import { ProblemError } from './problems.ts';

const maxDepth = 64;
const decoder = new TextDecoder('utf-8', { fatal: true });

/** Throws ProblemError. The size is bounded by whoever is before this. */
export async function readJson(c: Context): Promise<unknown> {
  const encoding = c.req.header('content-encoding');
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity')
    throw new ProblemError('encoded-body', 'Send the body without Content-Encoding.');
  return parseStrict(new Uint8Array(await c.req.arrayBuffer()));
}

/** Throws ProblemError `invalid-utf8`, `json-too-deep` or `malformed-json`. */
export function parseStrict(bytes: Uint8Array): unknown {
  let text: string;
  try {
    text = decoder.decode(bytes);
  } catch {
    throw new ProblemError('invalid-utf8', 'Send the JSON as UTF-8.');
  }
  if (isTooDeep(text)) throw new ProblemError('json-too-deep', `At most ${maxDepth} levels are read.`);
  try {
    return JSON.parse(text);
  } catch {
    throw new ProblemError('malformed-json', 'Send one JSON document and nothing else.');
  }
}

function isTooDeep(text: string): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === 0x22) at = endOfString(text, at);
    else if (code === 0x5b || code === 0x7b) {
      depth += 1;
      if (depth > maxDepth) return true;
    } else if (code === 0x5d || code === 0x7d) depth -= 1;
  }
  return false;
}

/** Index of the quote that closes the string opened at `open`; the text's end where none does. */
function endOfString(text: string, open: number): number {
  for (let at = open + 1; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === 0x5c) at += 1;
    else if (code === 0x22) return at;
  }
  return text.length;
}

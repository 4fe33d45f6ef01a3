/**
 * Reads a request's body as JSON, strictly. The built-in reader replaces invalid UTF-8, accepts nesting that is too deep for later
 * code, and silently keeps the last of two equal keys.
 */
import type { Context } from 'hono';
import { ProblemError } from './problems.ts';

const maxDepth = 64;
const decoder = new TextDecoder('utf-8', { fatal: true });

/** Reads it. Earlier middleware limits the size. Throws ProblemError. */
export async function readJson(c: Context): Promise<unknown> {
  const encoding = c.req.header('content-encoding');
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity')
    throw new ProblemError('encoded-body', 'Send the body without Content-Encoding.');
  return parseStrict(new Uint8Array(await c.req.arrayBuffer()));
}

/** Parses JSON. Throws ProblemError `invalid-utf8`, `json-too-deep` or `malformed-json`. */
export function parseStrict(bytes: Uint8Array): unknown {
  let text: string;
  try {
    text = decoder.decode(bytes);
  } catch {
    throw new ProblemError('invalid-utf8', 'Send the JSON as UTF-8.');
  }
  const fault = faultIn(text);
  if (fault === 'deep') throw new ProblemError('json-too-deep', `Use at most ${maxDepth} levels.`);
  if (fault === 'twice') throw new ProblemError('malformed-json', 'An object contains a key twice.');
  try {
    return JSON.parse(text);
  } catch {
    throw new ProblemError('malformed-json', 'Send one JSON document and nothing else.');
  }
}

/**
 * Checks the nesting and the keys in one pass. If an object has a key twice, the parser would keep the last one and another reader
 * the first. Decodes escapes, so that equal keys are found however they are written.
 */
function faultIn(text: string): 'deep' | 'twice' | null {
  /** The keys of each open object; null for a list. */
  const open: (Set<string> | null)[] = [];
  /** The next string is a key. */
  let isKey = false;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === 0x22) {
      const end = endOfString(text, at);
      const keys = open.at(-1);
      if (isKey && keys != null) {
        const key = keyOf(text.slice(at, end + 1));
        if (keys.has(key)) return 'twice';
        keys.add(key);
        isKey = false;
      }
      at = end;
    } else if (code === 0x5b || code === 0x7b) {
      if (open.length >= maxDepth) return 'deep';
      isKey = code === 0x7b;
      open.push(isKey ? new Set() : null);
    } else if (code === 0x5d || code === 0x7d) {
      open.pop();
      isKey = false;
    } else if (code === 0x2c) isKey = open.at(-1) != null;
  }
  return null;
}

function keyOf(quoted: string): string {
  if (!quoted.includes('\\')) return quoted.slice(1, -1);
  try {
    return String(JSON.parse(quoted));
  } catch {
    // This is not JSON, as the parser will report.
    return quoted;
  }
}

/** Returns the index of the quote that closes the string opened at `open`, or the end of the text. */
function endOfString(text: string, open: number): number {
  for (let at = open + 1; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === 0x5c) at += 1;
    else if (code === 0x22) return at;
  }
  return text.length;
}

/**
 * The bytes of a file, picked out of RT's reply while it arrives: REST2 gives them as base64 in the top object's `Content`.
 * A large file is never in memory as a whole, nor is anything else of the reply.
 */
import { Transform } from 'node:stream';
import { getManyValues, isMany, none } from 'stream-chain/core';
import { jsonParser } from 'stream-json/core/parser.js';
import { HelpdeskError } from '#connectors/contract/errors.ts';

const wantedKey = 'Content';
/** RT's replies have two levels; the parser remembers each. */
const mostDepth = 100;

/** Lets through the decoded value of the top object's `Content`. */
export function contentOf(): Transform {
  // Its types omit the marker for the end of the text.
  const parse = jsonParser({ packValues: false }) as unknown as (text: string | typeof none) => unknown;
  const read = createReader();
  const bytesOf = (text: string | typeof none): Buffer | undefined => {
    const tokens = parse(text);
    return isMany(tokens) ? read(getManyValues(tokens) as Token[]) : undefined;
  };
  const attempt = (text: string | typeof none, done: (error: Error | null, bytes?: Buffer) => void): void => {
    let bytes: Buffer | undefined;
    try {
      bytes = bytesOf(text);
    } catch (error) {
      done(new HelpdeskError('retry', 'cut-off', 'RT broke off in the middle of a file.', { cause: error }));
      return;
    }
    done(null, bytes);
  };
  return new Transform({
    // Whatever the encoding, the marks of JSON and of base64 are the same in Latin-1, and no character is cut.
    transform: (chunk: Buffer, _encoding, done) => attempt(chunk.toString('latin1'), done),
    flush: (done) => attempt(none, done),
  });
}

type Token = { readonly name: string; readonly value?: unknown };

function createReader(): (tokens: readonly Token[]) => Buffer | undefined {
  let depth = 0;
  let inKey = false;
  let key = '';
  let inContent = false;
  let closed = false;
  /** Base64 characters that do not fill a group of four yet. */
  let rest = '';

  const take = ({ name, value }: Token): void => {
    if (name === 'stringChunk') {
      const text = String(value);
      if (inKey && key.length <= wantedKey.length) key += text;
      // Lines end in the middle of it.
      else if (inContent && text !== '\n' && text !== '\r') rest += text;
    } else if (name === 'startObject' || name === 'startArray') {
      depth += 1;
      if (depth > mostDepth) throw new Error('too many levels');
    } else if (name === 'endObject' || name === 'endArray') depth -= 1;
    else if (name === 'startKey') {
      inKey = true;
      key = '';
    } else if (name === 'endKey') inKey = false;
    else if (name === 'startString') inContent = depth === 1 && key === wantedKey && !closed;
    else if (name === 'endString' && inContent) {
      inContent = false;
      closed = true;
    }
  };

  return (tokens) => {
    for (const token of tokens) take(token);
    const whole = closed ? rest.length : rest.length - (rest.length % 4);
    if (whole === 0) return undefined;
    const bytes = Buffer.from(rest.slice(0, whole), 'base64');
    rest = rest.slice(whole);
    return bytes;
  };
}

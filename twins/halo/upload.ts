/**
 * Receives a JSON body and writes its `data_base64` strings to files as they arrive, so that memory use stays small at
 * any size.
 */
import { createHash } from 'node:crypto';
import type { Hash } from 'node:crypto';
import { open, rm } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import type { Received } from './attachments.ts';
import { HaloError, refused } from './errors.ts';

export interface Upload {
  /** The body, with each `data_base64` replaced by the index of its file. */
  readonly body: unknown;
  readonly files: readonly Received[];
}

const quote = 0x22;
const backslash = 0x5c;
const colon = 0x3a;
/** The limit for the body without the files. */
const restLimit = 4 * 1024 * 1024;

interface Sink {
  readonly path: string;
  readonly handle: FileHandle;
  readonly hash: Hash;
  size: number;
  /** Decoded bytes on their way to the file; the buffer is reused. */
  readonly scratch: Buffer;
  /** Characters not decoded yet: fewer than four, or the start of a `data:` prefix or of an escape. */
  carry: string;
  head: 'unknown' | 'skip' | 'past';
}

/**
 * Reads the stream. `newPath` names the next file; on any error all files are removed again. Throws a 400 for anything
 * that is not JSON, and a 413 for more than `limit` bytes in one file.
 */
export async function receiveUpload(
  stream: AsyncIterable<Buffer>,
  newPath: () => string,
  limit: number,
): Promise<Upload> {
  const files: Received[] = [];
  const rest: Buffer[] = [];
  let restSize = 0;
  let sink: Sink | null = null;
  let inString = false;
  let escaped = false;
  let lastString = '';
  let key = '';

  const keep = (part: Buffer): void => {
    restSize += part.length;
    if (restSize > restLimit) throw new HaloError(413, 'Request Entity Too Large');
    rest.push(Buffer.from(part));
  };

  /** Reads from `from` up to the start of a file. Returns where the file starts, or the end. */
  function scan(chunk: Buffer, from: number): { end: number; file: boolean } {
    for (let i = from; i < chunk.length; i++) {
      const byte = chunk[i] ?? 0;
      if (inString) {
        if (escaped) escaped = false;
        else if (byte === backslash) escaped = true;
        else if (byte === quote) inString = false;
        else if (lastString.length < 32) lastString += String.fromCharCode(byte);
      } else if (byte === quote) {
        if (key === 'data_base64') return { end: i + 1, file: true };
        inString = true;
        lastString = '';
        key = '';
      } else if (byte === colon) key = lastString;
      else if (byte > 0x20) key = '';
    }
    return { end: chunk.length, file: false };
  }

  try {
    for await (const chunk of stream) {
      let at = 0;
      while (at < chunk.length) {
        if (sink === null) {
          const { end, file } = scan(chunk, at);
          keep(chunk.subarray(at, end));
          at = end;
          if (!file) continue;
          const path = newPath();
          sink = {
            path,
            handle: await open(path, 'w'),
            hash: createHash('sha256'),
            size: 0,
            scratch: Buffer.allocUnsafeSlow(64 * 1024),
            carry: '',
            head: 'unknown',
          };
        }
        const end = chunk.indexOf(quote, at);
        await write(sink, chunk.toString('latin1', at, end < 0 ? chunk.length : end), end >= 0, limit);
        at = end < 0 ? chunk.length : end;
        if (end < 0) continue;
        await sink.handle.close();
        keep(Buffer.from(String(files.length)));
        files.push({ path: sink.path, size: sink.size, sha256: sink.hash.digest('hex') });
        sink = null;
        keep(Buffer.from('"'));
        at++;
        key = '';
      }
    }
    if (sink !== null) throw refused('The body ended within data_base64');
    return { body: parse(Buffer.concat(rest).toString()), files };
  } catch (error) {
    await sink?.handle.close().catch(() => undefined);
    if (sink !== null) await rm(sink.path, { force: true });
    await removeFiles(files);
    throw error;
  }
}

/** Removes received files that did not become attachments. */
export async function removeFiles(files: readonly Received[]): Promise<void> {
  for (const file of files) await rm(file.path, { force: true });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw refused('The request body is not valid JSON');
  }
}

async function write(sink: Sink, part: string, last: boolean, limit: number): Promise<void> {
  let text = sink.carry + part;
  sink.carry = '';
  if (sink.head === 'unknown') {
    if (text.length < 5 && !last) {
      sink.carry = text;
      return;
    }
    sink.head = text.startsWith('data:') ? 'skip' : 'past';
  }
  if (sink.head === 'skip') {
    const comma = text.indexOf(',');
    if (comma < 0) return;
    text = text.slice(comma + 1);
    sink.head = 'past';
  }
  if (text.includes('\\')) {
    const open = last ? -1 : /\\u?[0-9a-fA-F]{0,3}$/.exec(text)?.index;
    if (open !== undefined && open >= 0) {
      sink.carry = text.slice(open);
      text = text.slice(0, open);
    }
    text = text.replace(/\\(u[0-9a-fA-F]{4}|.)/g, (_whole, escape: string) => unescape(escape));
  }
  if (/\s/.test(text)) text = text.replace(/\s+/g, '');
  const whole = last ? text.length : text.length - (text.length % 4);
  sink.carry = text.slice(whole) + sink.carry;
  for (let at = 0; at < whole; at += sink.scratch.length) {
    const size = sink.scratch.write(text.slice(at, Math.min(at + sink.scratch.length, whole)), 'base64');
    const bytes = sink.scratch.subarray(0, size);
    sink.size += size;
    if (sink.size > limit) throw new HaloError(413, 'Request Entity Too Large');
    sink.hash.update(bytes);
    await sink.handle.appendFile(bytes);
  }
}

function unescape(escape: string): string {
  if (escape.startsWith('u')) return String.fromCharCode(Number.parseInt(escape.slice(1), 16));
  return escape === '/' ? '/' : '';
}

/**
 * The format of sealed files on disk: a head that names the key, then pieces of 64 KiB, each sealed by AES-256-GCM under a key
 * for this file. A piece's nonce is its number and whether it is the last, so that no piece can be left out, moved or cut off.
 * A JWE would have to be complete before its first byte can be trusted.
 */
import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto';
import { Transform, type TransformCallback } from 'node:stream';

const magic = Buffer.from('FERRYFILE1\n', 'ascii');
const kidLength = 11;
const saltLength = 16;
export const headLength = magic.length + kidLength + saltLength;
const pieceLength = 64 * 1024;
const tagLength = 16;

/** `content-key-missing`: the key that sealed it is missing. `content-damaged`: it has changed since it was written. */
export class SealedFileError extends Error {
  override readonly name = 'SealedFileError';
  readonly code: 'content-key-missing' | 'content-damaged';

  constructor(code: SealedFileError['code'], message: string) {
    super(message);
    this.code = code;
  }
}

/** Returns the same name as db/base/content.ts, which uses the same keys. */
export function fileKeyId(key: Uint8Array): string {
  return createHash('sha256').update('ferry content key id').update(key).digest('base64url').slice(0, kidLength);
}

/** Returns the name of the key that sealed a file with this beginning; null for a file in plain text. */
export function sealedBy(head: Buffer): string | null {
  if (head.length < headLength || !head.subarray(0, magic.length).equals(magic)) return null;
  const kid = head.subarray(magic.length, magic.length + kidLength).toString('ascii');
  return /^[\w-]+$/.test(kid) ? kid : null;
}

function keyOf(key: Uint8Array, salt: Buffer): Buffer {
  return Buffer.from(hkdfSync('sha256', key, salt, 'ferry file', 32));
}

function nonce(number: number, isLast: boolean): Buffer {
  const made = Buffer.alloc(12);
  made.writeUInt32BE(number, 7);
  made[11] = isLast ? 1 : 0;
  return made;
}

/** Seals a stream. @param key 32 bytes */
export function sealing(key: Uint8Array): Transform {
  const salt = randomBytes(saltLength);
  const head = Buffer.concat([magic, Buffer.from(fileKeyId(key), 'ascii'), salt]);
  const own = keyOf(key, salt);
  let [number, hasBegun] = [0, false];
  let waiting: Buffer = Buffer.alloc(0);
  const piece = (stream: Transform, plain: Buffer, isLast: boolean): void => {
    if (!hasBegun) stream.push(head);
    hasBegun = true;
    const cipher = createCipheriv('aes-256-gcm', own, nonce(number, isLast));
    cipher.setAAD(head);
    stream.push(Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]));
    number += 1;
  };
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      waiting = waiting.length === 0 ? chunk : Buffer.concat([waiting, chunk]);
      // Only the end shows which piece is the last.
      let at = 0;
      for (; waiting.length - at > pieceLength; at += pieceLength)
        piece(this, waiting.subarray(at, at + pieceLength), false);
      if (at > 0) waiting = waiting.subarray(at);
      done();
    },
    flush(done) {
      piece(this, waiting, true);
      done();
    },
  });
}

/** Opens a sealed file, and passes on one in plain text. @param keys 32 bytes each */
export function opening(keys: readonly Uint8Array[]): Transform {
  let mode: 'unknown' | 'plain' | 'sealed' = keys.length === 0 ? 'plain' : 'unknown';
  let waiting: Buffer = Buffer.alloc(0);
  let own: Buffer | null = null;
  let head: Buffer = Buffer.alloc(0);
  let number = 0;
  const piece = (stream: Transform, sealed: Buffer, isLast: boolean): void => {
    if (own === null || sealed.length < tagLength) throw damaged();
    const decipher = createDecipheriv('aes-256-gcm', own, nonce(number, isLast));
    decipher.setAAD(head);
    decipher.setAuthTag(sealed.subarray(sealed.length - tagLength));
    number += 1;
    try {
      stream.push(Buffer.concat([decipher.update(sealed.subarray(0, -tagLength)), decipher.final()]));
    } catch {
      throw damaged();
    }
  };
  const begin = (): void => {
    const kid = sealedBy(waiting);
    mode = kid === null ? 'plain' : 'sealed';
    if (kid === null) return;
    const key = keys.find((one) => fileKeyId(one) === kid);
    if (key === undefined)
      throw new SealedFileError(
        'content-key-missing',
        `a file was sealed with the key ${kid}, which FERRY_CONTENT_KEY does not contain; add that key after the current one`,
      );
    head = Buffer.from(waiting.subarray(0, headLength));
    own = keyOf(key, head.subarray(headLength - saltLength));
    waiting = waiting.subarray(headLength);
  };
  const whole = pieceLength + tagLength;
  const take = (stream: Transform, isEnd: boolean): void => {
    if (mode === 'unknown' && (waiting.length >= headLength || isEnd)) begin();
    if (mode === 'plain' && waiting.length > 0) {
      stream.push(waiting);
      waiting = Buffer.alloc(0);
    }
    if (mode !== 'sealed') return;
    let at = 0;
    for (; waiting.length - at > whole; at += whole) piece(stream, waiting.subarray(at, at + whole), false);
    if (at > 0) waiting = waiting.subarray(at);
    if (isEnd) piece(stream, waiting, true);
  };
  const attempt = (stream: Transform, isEnd: boolean, done: TransformCallback): void => {
    try {
      take(stream, isEnd);
      done();
    } catch (error) {
      done(error as Error);
    }
  };
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      waiting = waiting.length === 0 ? chunk : Buffer.concat([waiting, chunk]);
      attempt(this, false, done);
    },
    flush(done) {
      attempt(this, true, done);
    },
  });
}

function damaged(): SealedFileError {
  return new SealedFileError('content-damaged', 'a sealed file is damaged; restore it from a backup');
}

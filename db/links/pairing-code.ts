/**
 * A pairing's one-time code: 160 random bits, the inviting side and its issuer URL, and a checksum, in one word that
 * survives mail and chat. The inviting gateway stores only a hash of the random part.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { SideName } from '#core/words/vocabulary.ts';

const prefix = 'ferry_';
const secretBytes = 20;
/** One error in 4 billion goes undetected. */
const checksumBytes = 4;

export type PairingCode = {
  /** base64url; the value for `POST /v1/pairing`. */
  readonly secret: string;
  /** Of the inviting gateway: its instance, and the side that it takes. */
  readonly issuer: string;
  readonly side: SideName;
};

export function makePairingCode(issuer: string, side: SideName): { readonly code: string; readonly hash: string } {
  const secret = randomBytes(secretBytes);
  const said = Buffer.concat([secret, Buffer.from(side.charAt(0) + issuer, 'utf8')]);
  const code = prefix + Buffer.concat([said, checksum(said)]).toString('base64url');
  return { code, hash: pairingHash(secret.toString('base64url')) };
}

/** Reads a code. Returns null if it is not one, and `damaged` if a letter is missing, added or wrong. */
export function readPairingCode(text: string): PairingCode | 'damaged' | null {
  const word = text.replaceAll(/\s+/g, '');
  if (!word.startsWith(prefix) || word.length > 4_096) return null;
  const body = word.slice(prefix.length);
  const bytes = Buffer.from(body, 'base64url');
  const said = bytes.subarray(0, -checksumBytes);
  // Node ignores invalid base64url characters and surplus bits.
  if (bytes.toString('base64url') !== body || !checksum(said).equals(bytes.subarray(-checksumBytes))) return 'damaged';
  const letter = said.subarray(secretBytes, secretBytes + 1).toString('latin1');
  const issuer = said.subarray(secretBytes + 1).toString('utf8');
  if ((letter !== 'c' && letter !== 's') || !/^https?:\/\/[^\s]+\/i\/[a-z0-9-]+$/.test(issuer)) return null;
  return {
    secret: said.subarray(0, secretBytes).toString('base64url'),
    issuer,
    side: letter === 'c' ? 'customer' : 'supplier',
  };
}

function checksum(said: Uint8Array): Buffer {
  return createHash('sha256').update('ferry pairing code').update(said).digest().subarray(0, checksumBytes);
}

/** Returns SHA-256, hex. */
export function pairingHash(secret: string): string {
  return createHash('sha256').update(`ferry pairing ${secret}`).digest('hex');
}

/**
 * Encrypts secrets at rest, each as a JWE under a key that wraps a fresh key (A256GCMKW, A256GCM). The protected header names the
 * wrapping key and the secret's row, so that a ciphertext that was moved to another row does not open.
 */
import { createHash } from 'node:crypto';
import { compactDecrypt, CompactEncrypt, decodeProtectedHeader } from 'jose';

export class SecretError extends Error {
  readonly code: 'unknown-key' | 'wrong-context' | 'damaged';

  constructor(code: 'unknown-key' | 'wrong-context' | 'damaged', message: string) {
    super(message);
    this.name = 'SecretError';
    this.code = code;
  }
}

/** Returns a name for a key that reveals nothing about it: the first 64 bits of its SHA-256. */
export function keyId(key: Uint8Array): string {
  return createHash('sha256').update('ferry key id').update(key).digest('base64url').slice(0, 11);
}

/**
 * Encrypts a secret.
 * @param context names the row and column, for instance `instances/acme/credentials`
 * @param key 32 bytes
 * @returns a compact JWE
 */
export async function sealSecret(plaintext: string, context: string, key: Uint8Array): Promise<string> {
  return new CompactEncrypt(new TextEncoder().encode(plaintext))
    .setProtectedHeader({ alg: 'A256GCMKW', enc: 'A256GCM', kid: keyId(key), ctx: context })
    .encrypt(key);
}

/**
 * Decrypts a secret.
 * @param keys the current key and older ones, 32 bytes each
 * @throws SecretError, whose message names the context but nothing secret
 */
export async function openSecret(jwe: string, context: string, keys: readonly Uint8Array[]): Promise<string> {
  const kid = kidOf(jwe, context);
  const key = keys.find((candidate) => keyId(candidate) === kid);
  if (key === undefined)
    throw new SecretError(
      'unknown-key',
      `the secret ${context} was sealed with the key ${kid}, which FERRY_SECRET_KEY does not contain; add that key after the current one`,
    );
  let opened;
  try {
    opened = await compactDecrypt(jwe, key, {
      keyManagementAlgorithms: ['A256GCMKW'],
      contentEncryptionAlgorithms: ['A256GCM'],
    });
  } catch {
    throw damaged(context);
  }
  if (opened.protectedHeader['ctx'] !== context)
    throw new SecretError('wrong-context', `the secret in ${context} was sealed for another row; set it again`);
  return new TextDecoder('utf-8', { fatal: true }).decode(opened.plaintext);
}

/** Returns the name of the key that sealed it; null if the text is not a sealed secret. */
export function keyIdOf(jwe: string): string | null {
  try {
    return kidOf(jwe, '');
  } catch {
    return null;
  }
}

function kidOf(jwe: string, context: string): string {
  try {
    const { kid } = decodeProtectedHeader(jwe);
    if (typeof kid === 'string') return kid;
  } catch {
    throw damaged(context);
  }
  throw damaged(context);
}

function damaged(context: string): SecretError {
  return new SecretError('damaged', `the secret ${context} is damaged; set it again`);
}

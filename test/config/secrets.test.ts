import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';

import { keyId, openSecret, SecretError, sealSecret } from '#config/secrets.ts';

const key = randomBytes(32);
const context = 'instances/acme/credentials';

function refused(code: SecretError['code']): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof SecretError);
    assert.equal(error.code, code);
    assert.ok(error.message.includes(context) || code === 'wrong-context');
    assert.doesNotMatch(error.message, /pássword/);
    return true;
  };
}

test('a sealed secret opens again, whatever characters it holds', async () => {
  for (const secret of ['pássword', '', '🔑\n{"a":1}', 'x'.repeat(10_000)]) {
    const jwe = await sealSecret(secret, context, key);
    assert.equal(jwe.split('.').length, 5);
    assert.equal(await openSecret(jwe, context, [key]), secret);
  }
});

test('the same secret never looks the same twice', async () => {
  assert.notEqual(await sealSecret('a', context, key), await sealSecret('a', context, key));
});

test('a ciphertext that was moved to another row does not open there', async () => {
  const jwe = await sealSecret('pássword', 'instances/northwind/credentials', key);
  await assert.rejects(openSecret(jwe, context, [key]), refused('wrong-context'));
});

test('a changed byte in any part is noticed', async () => {
  const parts = (await sealSecret('pássword', context, key)).split('.');
  for (const [i, part] of parts.entries()) {
    const middle = Math.floor(part.length / 2);
    const changed = part.slice(0, middle) + (part[middle] === 'A' ? 'B' : 'A') + part.slice(middle + 1);
    const jwe = parts.with(i, changed).join('.');
    await assert.rejects(openSecret(jwe, context, [key]), SecretError, `part ${i}`);
  }
});

test('a header rewritten to name this row is noticed', async () => {
  const jwe = await sealSecret('pássword', 'instances/northwind/credentials', key);
  const [head = '', ...rest] = jwe.split('.');
  const header = JSON.parse(Buffer.from(head, 'base64url').toString()) as Record<string, unknown>;
  const forged = Buffer.from(JSON.stringify({ ...header, ctx: context })).toString('base64url');
  await assert.rejects(openSecret([forged, ...rest].join('.'), context, [key]), refused('damaged'));
});

test('older keys still open what they sealed, and an unknown key is named', async () => {
  const older = randomBytes(32);
  const jwe = await sealSecret('pássword', context, older);
  assert.equal(await openSecret(jwe, context, [key, older]), 'pássword');
  await assert.rejects(openSecret(jwe, context, [key]), (error) => {
    assert.ok((error as Error).message.includes(keyId(older)));
    return refused('unknown-key')(error);
  });
});

test('something that is not a ciphertext is reported as damaged and does not crash', async () => {
  for (const text of ['', 'a.b.c.d.e', 'plain', '....'])
    await assert.rejects(openSecret(text, context, [key]), refused('damaged'));
});

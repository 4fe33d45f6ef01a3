import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import type { HelpdeskError } from '#connectors/contract/errors.ts';
import { readSettings } from '#connectors/kit/settings.ts';

const schema = z.strictObject({ token: z.string().regex(/^t-/), retries: z.int().default(3) });

test('settings come out as the schema makes them, defaults included', () => {
  assert.deepEqual(readSettings(schema, { token: 't-1' }, 'credentials', 'acme'), { token: 't-1', retries: 3 });
});

test('wrong settings are refused with every fault, by instance, without a value', () => {
  assert.throws(
    () => readSettings(schema, { token: 'planted', retries: 'planted', more: 1 }, 'credentials', 'acme'),
    (error: HelpdeskError) => {
      assert.equal(error.class, 'refused');
      assert.equal(error.code, 'bad-settings');
      for (const word of ['credentials of acme', 'token', 'retries', 'more'])
        assert.ok(error.message.includes(word), word);
      return !error.message.includes('planted');
    },
  );
  assert.throws(() => readSettings(schema, 'planted', 'options', 'acme'), /The options of acme are wrong: options: /);
});

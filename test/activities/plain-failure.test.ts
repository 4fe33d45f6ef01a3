import assert from 'node:assert/strict';
import { it } from 'node:test';
import { DrizzleQueryError } from 'drizzle-orm/errors';
import { plainFailure } from '#activities/plain-failure.ts';

it('Temporal learns which sort of error a failed query was, and none of its parameters', () => {
  const secret = 'the note of a patient';
  const cause = Object.assign(new Error(`duplicate key ${secret}`), { code: '23505', name: 'PostgresError' });
  const failure = plainFailure(new DrizzleQueryError('insert into actions', [secret], cause));
  assert.doesNotMatch(
    JSON.stringify([failure.message, failure.stack, failure.cause, failure.type]),
    new RegExp(secret),
  );
  assert.match(failure.message, /PostgresError 23505/);
});

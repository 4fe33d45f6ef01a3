import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { HelpdeskError } from '#connectors/contract/errors.ts';
import type { WorkDeps } from '#activities/deps.ts';
import { noteContact, noteFailedLook } from '#activities/watch/contact.ts';
import { first, twoDesks, type TwoDesks } from '#test/db/mirrored.ts';

const failed = new HelpdeskError('retry', 'unreachable', 'no answer');
const auth = new HelpdeskError('auth', 'unauthorised', 'wrong password');

describe('what the last look at an instance said', () => {
  let desks: TwoDesks;
  let said: string[] = [];
  let woken: string[] = [];
  let deps: WorkDeps;
  before(async () => {
    desks = await twoDesks('contact');
    const note =
      (level: string) =>
      (_detail: object, text: string): void => {
        said.push(`${level}: ${text}`);
      };
    const log = { info: note('info'), warn: note('warn'), error: note('error') };
    deps = {
      db: desks.db,
      log,
      wake: (instances: readonly string[]) => woken.push(...instances),
    } as unknown as WorkDeps;
  });
  beforeEach(async () => {
    await desks.db.execute(sql`update instances set state = 'up', state_reason = null`);
    said = [];
    woken = [];
  });
  after(() => desks.close());

  const state = (): Promise<unknown> =>
    first(desks.db, sql`select state, state_reason as why from instances where id = 'acme'`);

  it('is in the log once, however many find it so', async () => {
    await Promise.all(Array.from({ length: 5 }, () => noteContact(deps, 'acme', failed)));
    assert.equal(said.length, 1, said.join('\n'));
    assert.match(said[0] ?? '', /^warn: .*no answer/);
    assert.equal(((await state()) as { state: string }).state, 'down');
    assert.equal(await noteContact(deps, 'acme', null), true);
    assert.equal(await noteContact(deps, 'acme', null), false);
    assert.deepEqual(said.slice(1), ['info: acme is up']);
  });

  it('wakes its courier, which waits for its next try, when it is back', async () => {
    await noteContact(deps, 'acme', failed);
    await desks.db.execute(sql`update couriers set retry_at = now() + interval '40 seconds'`);
    assert.deepEqual(woken, []);
    await noteContact(deps, 'acme', null);
    assert.deepEqual(woken, ['acme']);
  });

  it('says whether it is away, or refuses our credentials', async () => {
    await noteContact(deps, 'acme', auth);
    assert.equal(((await state()) as { state: string }).state, 'auth');
    await noteFailedLook(deps, 'acme', new HelpdeskError('auth', 'other-desk', 'another one'), 1);
    assert.deepEqual(await state(), { state: 'other', why: 'another one' });
  });

  it('that asked us to slow down counts only where it does so again and again', async () => {
    const slow = new HelpdeskError('slow-down', 'busy', 'later');
    for (const failures of [1, 2]) await noteFailedLook(deps, 'acme', slow, failures);
    assert.deepEqual(await state(), { state: 'up', why: null });
    await noteFailedLook(deps, 'acme', slow, 3);
    assert.equal(((await state()) as { state: string }).state, 'down');
  });

  it('was not said by it where our own database failed, and names our key where that does not fit', async () => {
    const ours = Object.assign(new Error('connection ended'), { name: 'PostgresError' });
    await noteFailedLook(deps, 'acme', new Error('a query failed', { cause: ours }), 5);
    assert.deepEqual(await state(), { state: 'up', why: null });
    await noteFailedLook(
      deps,
      'acme',
      Object.assign(new Error('FERRY_SECRET_KEY is another one'), { name: 'SecretError' }),
      1,
    );
    assert.deepEqual(await state(), { state: 'key', why: 'FERRY_SECRET_KEY is another one' });
  });

  it('has nothing of an error that nobody expected but its name', async () => {
    await noteFailedLook(deps, 'acme', new TypeError('password hunter2 is wrong'), 1);
    const { state: now, why } = (await state()) as { state: string; why: string };
    assert.equal(now, 'down');
    assert.match(why, /TypeError/);
    assert.ok(!`${why}${said.join('')}`.includes('hunter2'));
  });
});

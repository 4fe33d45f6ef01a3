/** What holds for every verb that changes something, as tests of the verbs of one room. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sql } from 'drizzle-orm';
import type { Client } from '#db/base/client.ts';
import { addClient } from '#operate/clients/add.ts';
import type { HelpdeskOperator, PeerOperator } from '#operate/operator.ts';
import { Refused } from '#operate/refused.ts';
import { ann, somebody } from '#test/support/operator.ts';
import { assertSame, link, openWorkplace, type Workplace } from './workplace.ts';

export type Case = {
  readonly name: string;
  /** What must exist beforehand. */
  readonly before?: (place: Workplace) => Promise<unknown>;
  readonly verb: (operator: HelpdeskOperator & PeerOperator, place: Workplace) => Promise<unknown>;
  readonly what: string;
  readonly subject: string | RegExp;
  /** Of the row's detail. */
  readonly difference: Readonly<Record<string, unknown>>;
};

/** Name, code, kind, verb, and what there has to be before. */
export type RefusedCase = readonly [string, string, string, Case['verb'], Case['before']?];

export const run = (db: Client, query: ReturnType<typeof sql>): Promise<unknown> => db.execute(query);
export const setState =
  (state: string) =>
  ({ db }: Workplace) =>
    run(db, sql`update links set state = ${state} where id = ${link}`);
export const tool = { role: 'customer', instance: 'acme', contact: null } as const;
export const newTool = (place: Workplace): Promise<{ readonly client: string }> =>
  addClient(place.as(), 'tool-link', () => tool);
export const toolClient = async ({ audit }: Workplace): Promise<string> =>
  (await audit()).find(({ what }) => what === 'client-add')?.subject.slice('clients/'.length) ?? '';

/** Nobody does it without the right, or without a row in the audit. */
export function changes(cases: readonly Case[]): void {
  for (const { name, before, verb, what, subject, difference } of cases)
    test(`${name} changes nothing for somebody without the right, nothing where the audit can't be written, and else leaves one row there`, async () => {
      const place = await openWorkplace();
      try {
        await before?.(place);
        const start = await place.dump();
        const strangers = [somebody(null), somebody('viewer'), somebody('admin', ['another-link'])];
        for (const stranger of strangers) {
          const code = stranger.reach === 'all' ? 'not-allowed' : 'out-of-reach';
          await assert.rejects(
            () => verb(place.as(stranger), place),
            (error) => error instanceof Refused && error.code === code && error.kind === 'forbidden',
          );
          assertSame(await place.dump(), start);
        }

        await place.breakAudit();
        await assert.rejects(() => verb(place.as(), place));
        assertSame(await place.dump(), start);
        await place.mendAudit();

        const earlier = (await place.audit()).length;
        await verb(place.as(), place);
        assert.notEqual(await place.dump(), start);
        const [row, ...more] = (await place.audit()).slice(earlier);
        assert.ok(row !== undefined);
        assert.deepEqual(more, [], 'one row');
        assert.equal(row.by, ann.name);
        assert.equal(row.what, what);
        if (typeof subject === 'string') assert.equal(row.subject, subject);
        else assert.match(row.subject, subject);
        const { actor, ...detail } = row.detail;
        assert.deepEqual(actor, { kind: 'person', id: ann.id });
        assert.deepEqual({ ...detail, ...difference }, detail, 'the difference that it made');
        assert.doesNotMatch(JSON.stringify(row), /planted/, 'no secret');
      } finally {
        await place.close();
      }
    });
}

/** What can't be done is said to be so, and changes nothing. */
export function refuses(refused: readonly RefusedCase[]): void {
  for (const [name, code, kind, verb, before] of refused)
    test(`${name} is refused as ${code}, and changes nothing`, async () => {
      const place = await openWorkplace();
      try {
        await before?.(place);
        const start = await place.dump();
        await assert.rejects(
          () => verb(place.as(), place),
          (error) => error instanceof Refused && error.code === code && error.kind === kind,
        );
        assertSame(await place.dump(), start);
      } finally {
        await place.close();
      }
    });
}

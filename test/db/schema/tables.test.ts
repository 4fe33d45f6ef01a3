import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { is, sql } from 'drizzle-orm';
import { getTableConfig, PgTable } from 'drizzle-orm/pg-core';
import * as schema from '#db/schema/index.ts';
import { rows } from '#db/base/client.ts';
import { twoDesks, type TwoDesks } from '#test/db/mirrored.ts';

/** As PostgreSQL says that something is there already. */
function twice(error: unknown): boolean {
  return (error as { cause?: { code?: string } }).cause?.code === '23505';
}

/** `toInstance` is kept as `to_instance`. */
function kept(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

describe('the tables as the code has them', () => {
  let desks: TwoDesks;
  before(async () => {
    desks = await twoDesks('tables');
  });
  after(() => desks.close());

  it('are those that the migrations make, column by column', async () => {
    const tables = Object.values(schema).filter((one) => is(one, PgTable));
    const inCode = tables.flatMap((table) => {
      const { name, columns } = getTableConfig(table);
      return columns.map((column) => `${name}.${kept(column.name)} ${column.notNull ? 'not null' : 'null'}`);
    });
    const found = await rows<{ column: string }>(
      desks.db,
      sql`select table_name || '.' || column_name || case when is_nullable = 'YES' then ' null' else ' not null' end as column
        from information_schema.columns where table_schema = 'public' and table_name !~ '^attempts_'`,
    );
    assert.deepEqual(new Set(inCode), new Set(found.map(({ column }) => column)));
  });

  it('hold one live mirror for a ticket of a link, seen from either ticket', async () => {
    const mirror = (first: string, second: string): Promise<unknown> =>
      desks.db
        .execute(sql`insert into mirrors (id, link, state, first_instance, first_ticket, second_instance, second_ticket)
        values (uuidv7(), 'acme-north', 'open', 'acme', ${first}, 'north', ${second})`);
    await mirror('1', '9');
    await assert.rejects(mirror('1', '10'), twice);
    await assert.rejects(mirror('2', '9'), twice);
    await desks.db.execute(sql`update mirrors set state = 'closed'`);
    await mirror('1', '9');
  });

  it('hold one open write for a ticket, and each place of a lane once', async () => {
    const write = (step: number): Promise<unknown> =>
      desks.db.execute(sql`insert into writes (delivery, step, instance, ticket, marker, fingerprints, deadline)
        values (uuidv7(), ${step}, 'north', '9', 'm', '{}', now())`);
    await write(0);
    await assert.rejects(write(1), twice);
    await desks.db.execute(sql`update writes set state = 'made'`);
    await write(1);
    const delivery = (): Promise<unknown> =>
      desks.db.execute(sql`insert into deliveries (mirror, to_instance, seq, kind, action)
        values ('01a00000-0000-7000-8000-000000000001', 'north', 1, 'action', uuidv7())`);
    await delivery();
    await assert.rejects(delivery(), twice);
  });
});

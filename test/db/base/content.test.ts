// Contents that are encrypted in the database: the format of a piece, and which columns hold them.
import assert from 'node:assert/strict';
import { hkdfSync, randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { compactDecrypt } from 'jose';
import { clearColumns } from '#db/base/clear-columns.ts';
import { connect, rows, type Connection } from '#db/base/client.ts';
import { content, contentJson, contentShapes, createSealer, type Sealer } from '#db/base/content.ts';
import { assertContentKeys } from '#db/base/content-keys.ts';
import { textArray } from '#db/base/text-array.ts';
import { freshDatabase, type TestDatabase } from '#test/support/database.ts';

const [key, other] = [randomBytes(32), randomBytes(32)];
const sealer = createSealer([key]) as Sealer;
const texts = ['', 'a', 'Zürich 🔑\n"quoted" \\ {"a":1}', 'ferry-sealed:x;', 'x'.repeat(100_000)];

describe('a sealed piece', () => {
  it('decrypts to the same text, whatever it contains, and never seals the same way twice', () => {
    for (const text of texts) {
      const sealed = sealer.seal('note', text) as string;
      assert.equal(sealer.openText(sealed), text);
      assert.ok(text.length < 2 || !sealed.includes(text));
    }
    const nested = sealer.seal('note', sealer.seal('note', 'x')) as string;
    assert.notEqual(sealer.openText(nested), 'x', 'a text that looks sealed stays that text');
  });

  it('is a JWE that another implementation opens with the key of its label', async () => {
    const sealed = sealer.seal('note', 'Grüße') as string;
    const jwe = sealed.slice('ferry-sealed:'.length, -1);
    const derived = new Uint8Array(hkdfSync('sha256', key, Buffer.alloc(0), 'ferry content note', 32));
    const { plaintext, protectedHeader } = await compactDecrypt(jwe, derived);
    assert.equal(new TextDecoder().decode(plaintext), 'Grüße');
    assert.deepEqual(protectedHeader, { alg: 'dir', enc: 'A256GCM', kid: sealer.kid, ctx: 'note' });
    await assert.rejects(compactDecrypt(jwe, key));
  });

  it('looks different each time, but where SQL compares it', () => {
    assert.notEqual(sealer.seal('note', 'x'), sealer.seal('note', 'x'));
    assert.deepEqual(sealer.seal('snapshot', { summary: 'x' }), sealer.seal('snapshot', { summary: 'x' }));
    assert.notDeepEqual(sealer.seal('snapshot', { summary: 'x' }), sealer.seal('snapshot', { summary: 'y' }));
    assert.notDeepEqual(
      sealer.seal('snapshot', { summary: 'x' }),
      createSealer([other])?.seal('snapshot', { summary: 'x' }),
    );
  });

  it('of JSON leaves keys and what SQL asks for, and nothing else', () => {
    const words = {
      kind: 'Note',
      status: 'planted',
      fields: { Scope: 'planted', Count: 1_734_598_201_347, Empty: null },
      list: ['planted'],
    };
    const sealed = sealer.seal('words', words);
    assert.doesNotMatch(JSON.stringify(sealed), /planted|1734598201347/);
    assert.deepEqual(Object.keys((sealed as typeof words).fields), ['Scope', 'Count', 'Empty']);
    assert.deepEqual(sealer.openJson(JSON.stringify(sealed)), words);
    const reason = { code: 'unmapped-status', text: 'planted' };
    assert.equal((sealer.seal('reason', reason) as typeof reason).code, 'unmapped-status');
  });

  it('that was changed, cut or moved to another label does not open', () => {
    const sealed = sealer.seal('note', 'x'.repeat(50)) as string;
    const damaged = [
      sealed.replace(/\.(.)(.{21});$/, (_, a: string, rest: string) => `.${a === 'A' ? 'B' : 'A'}${rest};`),
    ];
    const [head, iv] = sealed.slice('ferry-sealed:'.length).split('..') as [string, string];
    const moved = JSON.parse(Buffer.from(head, 'base64url').toString()) as Record<string, unknown>;
    damaged.push(
      `ferry-sealed:${Buffer.from(JSON.stringify({ ...moved, ctx: 'signed' })).toString('base64url')}..${iv}`,
    );
    for (const one of damaged) assert.throws(() => sealer.openText(one), { code: 'content-damaged' });
  });

  it('of a key that is not given says which, and one of an older key opens', () => {
    const sealed = sealer.seal('note', 'old') as string;
    assert.throws(() => createSealer([other])?.openText(sealed), {
      code: 'content-key-missing',
      message: new RegExp(sealer.kid),
    });
    assert.equal(createSealer([other, key])?.openText(sealed), 'old');
    assert.equal(createSealer([]), null);
  });

  it('inside another text is opened there', () => {
    assert.equal(sealer.openText(`before ${sealer.seal('notice', 'x') as string} after`), 'before x after');
  });
});

describe('a connection with a key', () => {
  let database: TestDatabase;
  let sealing: Connection;
  let plain: Connection;
  before(async () => {
    database = await freshDatabase('content');
    sealing = connect(database.url, { max: 2, contentKeys: [key] });
    plain = connect(database.url, { max: 2 });
    await plain.sql.unsafe('create table held (id int, note text, words jsonb, clear text)');
  });
  after(async () => {
    await sealing.close();
    await plain.close();
    await database.drop();
  });

  it('seals what is content and opens it, as parameters, in lists, and inside JSON', async () => {
    const words = { kind: 'Note', fields: { Scope: 'planted' } };
    await sealing.db.execute(
      sql`insert into held values (1, ${content('note', 'planted')}, ${content('words', words)}::jsonb, 'a')`,
    );
    await sealing.db.execute(
      sql`insert into held select 2, * from unnest(${textArray([content('note', 'pl{"a}nted, \\ planted')])}, ${textArray([content('words', words)])}::jsonb[], ${textArray(['a'])})`,
    );
    await sealing.db.execute(
      sql`insert into held select * from jsonb_to_recordset(${contentJson([
        { id: 3, note: content('note', 'planted'), words: content('words', words), clear: 'a' },
        { id: 4, note: content('note', null), clear: 'a' },
      ])}::jsonb) as x (id int, note text, words jsonb, clear text)`,
    );
    const raw = JSON.stringify(await rows(plain.db, sql`select * from held order by id`));
    assert.doesNotMatch(raw, /planted/);
    const opened = await rows(sealing.db, sql`select id, note, words, clear from held order by id`);
    assert.deepEqual(
      [...opened],
      [
        { id: 1, note: 'planted', words, clear: 'a' },
        { id: 2, note: 'pl{"a}nted, \\ planted', words, clear: 'a' },
        { id: 3, note: 'planted', words, clear: 'a' },
        { id: 4, note: null, words: null, clear: 'a' },
      ],
    );
    const [inside] = await rows<{ all: unknown }>(
      sealing.db,
      sql`select json_agg(json_build_object('n', note, 's', words->'fields'->>'Scope')) as all from held where id = 1`,
    );
    assert.deepEqual(inside?.all, [{ n: 'planted', s: 'planted' }]);
  });

  it('stores the same bytes as before where it has no key', async () => {
    await plain.db.execute(
      sql`insert into held values (9, ${content('note', 'as it is')}, ${content('words', { a: 1 })}::jsonb, 'a')`,
    );
    assert.deepEqual(
      [...(await rows(plain.db, sql`select note, words from held where id = 9`))],
      [{ note: 'as it is', words: { a: 1 } }],
    );
  });

  it('mistakes nobody’s text for a sealed piece: plain text that looks like one is altered', async () => {
    const forged = createSealer([other])?.seal('note', 'x') as string;
    await sealing.db.execute(
      sql`insert into held values (5, ${content('note', forged)}, ${JSON.stringify({ a: forged })}::jsonb, ${forged})`,
    );
    const [row] = await rows<{ note: string; words: { a: string }; clear: string }>(
      sealing.db,
      sql`select note, words, clear from held where id = 5`,
    );
    assert.equal(row?.note, forged);
    assert.doesNotMatch(`${row?.clear}${row?.words.a}`, /ferry-sealed:/);
  });

  it('fails the query whose contents it cannot decrypt, and continues with the next', async () => {
    const without = connect(database.url, { max: 1, contentKeys: [other] });
    try {
      for (let n = 0; n < 3; n += 1)
        await assert.rejects(rows(without.db, sql`select note from held where id = 1`), (error: Error) =>
          /FERRY_CONTENT_KEY/.test(`${error.message} ${String(error.cause)}`),
        );
      assert.equal((await rows(without.db, sql`select clear from held where id = 1`)).length, 1);
    } finally {
      await without.close();
    }
  });

  it('is distinguished from one that lacks the key before anything is read', async () => {
    await assertContentKeys(plain.sql, null);
    await assertContentKeys(sealing.sql, sealing.sealer);
    await assertContentKeys(sealing.sql, createSealer([other, key]));
    for (const lacking of [null, createSealer([other])])
      await assert.rejects(assertContentKeys(plain.sql, lacking), { code: 'content-key-missing' });
  });
});

describe('every column that may hold text or values', () => {
  it('is sealed, or named with why it is not', async () => {
    const database = await freshDatabase('columns');
    const connection = connect(database.url, { max: 1 });
    try {
      const found = await rows<{ name: string }>(
        connection.db,
        sql`select c.table_name || '.' || c.column_name as name from information_schema.columns c
          where c.table_schema = 'public' and c.table_name !~ '^attempts_' and (c.data_type in ('text', 'jsonb', 'json', 'character varying', 'bytea')
            or (c.data_type = 'ARRAY' and c.udt_name in ('_text', '_jsonb', '_varchar')))`,
      );
      const sealed = Object.values(contentShapes).flatMap(({ columns }) => [...columns]);
      const named = [...sealed, ...Object.values(clearColumns).flat()];
      assert.deepEqual(named.toSorted(), [...new Set(named)].toSorted(), 'each is named once');
      assert.deepEqual(found.map(({ name }) => name).toSorted(), named.toSorted());
    } finally {
      await connection.close();
      await database.drop();
    }
  });
});

// A gateway's database with a link, a mirrored ticket and a held delivery, and somebody who works on it.
import assert from 'node:assert/strict';
import { sql } from 'drizzle-orm';
import { manifestOf, manifests } from '#connectors/index.ts';
import { rows } from '#db/base/client.ts';
import type { Client, Tx } from '#db/base/client.ts';
import { createPeerLink } from '#db/links/link-life.ts';
import type { Actor, HelpdeskOperator, PeerOperator } from '#operate/operator.ts';
import { checkPeerUrl } from '#protocols/ferry/peer-url.ts';
import { isSignedBy, signerOf } from '#protocols/ferry/provenance.ts';
import { plantTickets } from '#test/cli/log.ts';
import { acmeCatalogue, env, goodYaml, northwindCatalogue, openBench } from '#test/cli/support.ts';
import { ann, testOperator } from '#test/support/operator.ts';

export const link = 'acme-northwind';

export type Audited = {
  readonly by: string;
  readonly what: string;
  readonly subject: string;
  readonly detail: Readonly<Record<string, unknown>>;
};

export type Workplace = {
  readonly db: Client;
  /** With helpdesks that report their catalogues, and without another gateway that answers. */
  as(actor?: Actor): HelpdeskOperator & PeerOperator;
  readonly secrets: { readonly env: typeof env; readSecretFile(): Promise<string> };
  audit(): Promise<Audited[]>;
  /** Every row of every table, as text. */
  dump(): Promise<string>;
  /** From now on nothing can be written into the audit. */
  breakAudit(): Promise<void>;
  mendAudit(): Promise<void>;
  close(): Promise<void>;
};

/** Nothing was changed; else it says which rows. */
export function assertSame(after: string, before: string): void {
  const [was, is] = [new Set(before.split('\n')), new Set(after.split('\n'))];
  assert.deepEqual(
    [
      ...[...was].filter((row) => !is.has(row)).map((row) => `- ${row}`),
      ...[...is].filter((row) => !was.has(row)).map((row) => `+ ${row}`),
    ],
    [],
  );
}

export async function openWorkplace(): Promise<Workplace> {
  const bench = await openBench();
  await bench.apply(goodYaml);
  await plantTickets(bench.connection);
  const { db } = bench.connection;
  const catalogues = new Map([
    ['acme', acmeCatalogue],
    ['northwind', northwindCatalogue],
  ]);
  const unanswered = (): Promise<never> => Promise.reject(new Error('no other gateway answers here'));
  return {
    db,
    as: (actor = ann) => ({
      ...testOperator(db, { actor }),
      helpdesks: {
        types: manifests.map(({ type }) => type),
        rulesOf: manifestOf,
        readCatalogue: async ({ id }) => {
          const found = catalogues.get(id);
          if (found === undefined) throw new Error(`no desk ${id}`);
          return structuredClone(found);
        },
      },
      peers: {
        calls: () => ({ link: unanswered, lanes: unanswered, close: unanswered }),
        checkUrl: (issuer) => checkPeerUrl(issuer, { allowAddresses: ['127.0.0.1/32'] }),
        publishedKeys: unanswered,
        signatures: { signerOf, isSignedBy },
      },
    }),
    secrets: { env, readSecretFile: () => Promise.reject(new Error('no files')) },
    audit: () => rows<Audited>(db, sql`select by, what, subject, detail from audit order by id`),
    async dump() {
      const tables = await rows<{ name: string }>(
        db,
        sql`select table_name as name from information_schema.tables where table_schema = 'public' order by 1`,
      );
      const texts: string[] = [];
      for (const { name } of tables)
        for (const { row } of await rows<{ row: string }>(
          db,
          sql`select to_jsonb(t)::text as row from ${sql.identifier(name)} t order by 1`,
        ))
          texts.push(`${name} ${row}`);
      return texts.join('\n');
    },
    async breakAudit() {
      await db.execute(sql`create or replace function no_audit() returns trigger language plpgsql as
        $$ begin raise exception 'the audit is broken'; end $$`);
      await db.execute(sql`create trigger no_audit before insert on audit execute function no_audit()`);
    },
    async mendAudit() {
      await db.execute(sql`drop trigger no_audit on audit`);
    },
    close: () => bench.close(),
  };
}

/** A link with another gateway, as pairing makes it. */
export async function plantPeerLink(db: Client, id: string): Promise<void> {
  await db.transaction(async (tx: Tx) => {
    await createPeerLink(tx, {
      link: id,
      side: 'customer',
      instance: 'acme',
      far: { id: 'far-peer', issuer: 'http://127.0.0.1:1/i/far', name: 'Far' },
      peer: { clientId: 'us-there', api: 'http://127.0.0.1:1', farLink: 'there' },
      client: { id: `${id}-far`, jwksUri: 'http://127.0.0.1:1/i/far/jwks.json', jwks: { keys: [] } },
      ownContact: null,
      farContact: null,
      seal: (plain) => Promise.resolve(plain),
      by: 'test',
    });
    await tx.execute(sql`insert into pairings (link, side, instance, state, created_by, expires_at)
      values (${id}, 'customer', 'acme', 'failed', 'test', now())`);
  });
}

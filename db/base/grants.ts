/**
 * Rights of the role that gateways, workers and commands use, if it is not the tables' owner: it may read and write
 * rows but not change tables, and may only add to the audit. `ferry migrate` grants them, again after each migration.
 */
import { getTableName, is } from 'drizzle-orm';
import { PgTable } from 'drizzle-orm/pg-core';
import type postgres from 'postgres';
import * as schema from '#db/schema/index.ts';

/** Every table of this version; the monthly partitions of `attempts` are accessed through it. */
export const tableNames: readonly string[] = [
  ...Object.values(schema).flatMap((one) => (is(one, PgTable) ? [getTableName(one)] : [])),
  'attempts_default',
];

/** Tables whose rows are added and read, never changed or deleted. */
const addOnly: readonly string[] = ['audit'];

/**
 * Grants `role`, and each role that already had rights, what this version needs, and revokes the rest. The connection
 * must be the owner's. Returns the roles; throws RoleError.
 */
export async function grantApp(sql: postgres.Sql, role?: string): Promise<readonly string[]> {
  return sql.begin(async (tx) => {
    const [about] = await tx.unsafe<{ owner: string; schema: string; database: string }[]>(
      `select pg_get_userbyid(c.relowner) as owner, current_schema() as schema, current_database() as database
      from pg_class c where c.oid = 'audit'::regclass`,
    );
    if (about === undefined) throw new Error('a query without an answer');
    const before = await tx.unsafe<{ role: string }[]>(
      `select pg_get_userbyid(acl.grantee) as role from pg_class c, aclexplode(c.relacl) acl
        where c.oid = 'audit'::regclass and acl.privilege_type = 'INSERT' and acl.grantee <> 0 and acl.grantee <> c.relowner`,
    );
    const roles = [...new Set([...before.map((one) => one.role), ...(role === undefined ? [] : [role])])];
    for (const one of roles.filter((name) => name !== about.owner)) {
      const [found] = await tx.unsafe('select 1 from pg_roles where rolname = $1', [one]);
      if (found === undefined) throw new RoleError(one);
      for (const statement of statements(quoted(one), quoted(about.schema), quoted(about.database)))
        await tx.unsafe(statement);
    }
    return roles.filter((name) => name !== about.owner);
  });
}

/** The role does not exist. */
export class RoleError extends Error {
  override readonly name = 'RoleError';
  readonly code = 'role-missing';

  constructor(role: string) {
    super(
      `there is no role "${role}" in this PostgreSQL, but DATABASE_URL names it; create it with: create role ${quoted(role)} login password '…'`,
    );
  }
}

function statements(role: string, schemaName: string, database: string): readonly string[] {
  const all = tableNames.map((name) => `${schemaName}.${quoted(name)}`);
  const only = addOnly.map((name) => `${schemaName}.${quoted(name)}`);
  const free = all.filter((name) => !only.includes(name));
  return [
    `grant connect on database ${database} to ${role}`,
    `grant usage on schema ${schemaName}, drizzle to ${role}`,
    `grant select on drizzle.__drizzle_migrations to ${role}`,
    `revoke all on ${all.join(', ')} from ${role}`,
    `grant select, insert, update, delete on ${free.join(', ')} to ${role}`,
    `grant select, insert on ${only.join(', ')} to ${role}`,
    `grant execute on function ${schemaName}.make_attempts_month(date) to ${role}`,
  ];
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

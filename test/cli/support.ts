// Links files with their own database, and desks that know only their catalogues.
import { manifestOf, manifests } from '#connectors/index.ts';
import type { Catalogue } from '#core/words/vocabulary.ts';
import { applyLinks } from '#operate/apply/apply.ts';
import type { ApplyOptions, ApplyResult } from '#operate/apply/apply.ts';
import type { SecretSource } from '#operate/apply/types.ts';
import { createOperator, unlimited } from '#operate/operator.ts';
import type { Helpdesks, Operator } from '#operate/operator.ts';
import { connect } from '#db/base/client.ts';
import type { Connection } from '#db/base/client.ts';
import { freshDatabase } from '#test/support/database.ts';

export const secretKey = Buffer.alloc(32, 7);

/** Planted: none of them may ever be seen outside of the process. */
export const env: Readonly<Record<string, string>> = {
  ACME_ID: 'planted-acme-id',
  ACME_SECRET: 'planted-acme-secret',
  ACME_HOOK: 'planted-acme-hook-secret-0123456789',
  NORTHWIND_ID: 'planted-northwind-id',
  NORTHWIND_SECRET: 'planted-northwind-secret',
};

const kind = { hidden: false, mails: false, sends: 'none', status: null } as const;

export const acmeCatalogue: Catalogue = {
  statuses: [
    { name: 'New', closed: false },
    { name: 'With supplier', closed: false },
    { name: 'Resolved', closed: true },
  ],
  categories: ['Network>VPN', 'Hardware>Laptop'],
  types: [{ name: 'Incident' }],
  priorities: ['High', 'Low'],
  fields: [
    { name: 'Scope', type: 'option', options: ['One person', 'Everybody'] },
    { name: 'Needed by', type: 'date' },
    { name: 'Service', type: 'text' },
  ],
  kinds: [
    { ...kind, name: 'Escalate to MSP', hidden: true, status: 'With supplier', sends: 'supplier' },
    { ...kind, name: 'Private note to supplier', hidden: true, sends: 'supplier' },
    { ...kind, name: 'Internal Note', hidden: true },
    { ...kind, name: 'Email User', mails: true },
    { ...kind, name: 'Resolve', mails: true, status: 'Resolved' },
  ],
  accounts: ['Acme', 'Northwind MSP'],
  teams: ['1st Line'],
};

export const northwindCatalogue: Catalogue = {
  statuses: [
    { name: 'New', closed: false },
    { name: 'In progress', closed: false },
    { name: 'Done', closed: true },
  ],
  categories: ['Connectivity', 'Devices'],
  types: [{ name: 'Managed Incident' }, { name: 'Customer Task' }],
  priorities: ['P1', 'P4'],
  fields: [
    { name: 'Reach', type: 'option', options: ['Single user', 'Whole company'] },
    { name: 'Client due', type: 'date' },
    { name: 'Service name', type: 'text' },
  ],
  kinds: [
    { ...kind, name: 'Update', sends: 'customer' },
    { ...kind, name: 'Indirect email', sends: 'customer' },
    { ...kind, name: 'Email customer', mails: true },
    { ...kind, name: 'Resolve third party ticket', sends: 'customer', status: 'Done' },
    { ...kind, name: 'Internal Note', hidden: true },
  ],
  accounts: ['Acme', 'Bluebird'],
  teams: ['Service Desk'],
};

export const instancesYaml = `instances:
  acme:
    type: halo
    name: Acme
    url: https://acme.example
    credentials: { clientId: { env: ACME_ID }, clientSecret: { env: ACME_SECRET } }
    hookSecret: { env: ACME_HOOK }
  northwind:
    type: halo
    name: Northwind
    url: https://northwind.example
    credentials: { clientId: { env: NORTHWIND_ID }, clientSecret: { env: NORTHWIND_SECRET } }
`;

export const goodYaml = `${instancesYaml}
profiles:
  msp:
    inbound:
      ticketTypes:
        - { from: Incident, to: Managed Incident }
      actionDefault: Internal Note
    outbound:
      actions: [Update, Indirect email]

links:
  acme-northwind:
    mode: live
    customer:
      instance: acme
      account: { name: Northwind MSP }
      outbound:
        escalates: { kind: Escalate to MSP }
        actions: [Private note to supplier]
      inbound:
        statuses:
          - { from: In progress, to: With supplier }
          - { from: Done, to: Resolved }
        actions:
          - { from: Update, to: Internal Note }
          - { from: Indirect email, to: Email User, audience: user, mailsUser: true }
          - { from: Resolve third party ticket, to: Resolve }
    supplier:
      instance: northwind
      extends: msp
      account: { name: Acme, team: Service Desk }
      inbound:
        statuses:
          - { from: Resolved, to: Done }
        actions:
          - { from: Private note to supplier, to: Internal Note }
`;

export type Bench = {
  readonly connection: Connection;
  readonly url: string;
  readonly catalogues: Map<string, Catalogue | Error>;
  readonly files: Map<string, string>;
  apply(
    yaml: string,
    options?: ApplyOptions,
    change?: Partial<Helpdesks & SecretSource & Pick<Operator, 'open'>>,
  ): Promise<ApplyResult>;
  /** Every row of every table that settings live in, as text. */
  dump(): Promise<string>;
  close(): Promise<void>;
};

export async function openBench(): Promise<Bench> {
  const database = await freshDatabase('cli');
  const connection = connect(database.url, { max: 4 });
  const catalogues = new Map<string, Catalogue | Error>([
    ['acme', acmeCatalogue],
    ['northwind', northwindCatalogue],
  ]);
  const files = new Map<string, string>();
  const actor = unlimited({ kind: 'cli', id: 'ann', name: 'ann' });
  const operator = createOperator({ db: connection.db, actor, secretKeys: [secretKey] });
  const helpdesks: Helpdesks = {
    types: manifests.map(({ type }) => type),
    rulesOf: manifestOf,
    readCatalogue: ({ id }) => {
      const found = catalogues.get(id);
      return found === undefined || found instanceof Error
        ? Promise.reject(found ?? new Error('no such desk'))
        : Promise.resolve(structuredClone(found));
    },
  };
  const secrets: SecretSource = {
    env,
    readSecretFile: (path) => {
      const found = files.get(path);
      return found === undefined
        ? Promise.reject(Object.assign(new Error('missing'), { code: 'ENOENT' }))
        : Promise.resolve(found);
    },
  };
  return {
    connection,
    url: database.url,
    catalogues,
    files,
    apply: (yaml, options, change) => {
      const all = { ...helpdesks, ...secrets, open: operator.open, ...change };
      return applyLinks({ ...operator, open: all.open, helpdesks: all }, yaml, all, options);
    },
    dump: async () => {
      const tables = [
        'instances',
        'catalogues',
        'profiles',
        'links',
        'sides',
        'settings',
        'feeds',
        'couriers',
        'audit',
        'mirrors',
      ];
      const texts: string[] = [];
      for (const table of tables) {
        const found = await connection.sql.unsafe(`select to_jsonb(t)::text as row from ${table} t order by 1`);
        texts.push(...found.map(({ row }) => `${table} ${String(row)}`));
      }
      return texts.join('\n');
    },
    close: async () => {
      await connection.close();
      await database.drop();
    },
  };
}

/** Returns the line, from 1, that contains a text; exactly one must. */
export function lineOf(yaml: string, text: string): number {
  const lines = yaml.split('\n');
  const found = lines.flatMap((line, at) => (line.includes(text) ? [at + 1] : []));
  if (found.length !== 1) throw new Error(`"${text}" is on ${found.length} lines`);
  return found[0] ?? 0;
}

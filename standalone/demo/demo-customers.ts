/**
 * Northwind's two other customers: one that works, and one whose desk refuses Ferry's credentials. Their desks run in this
 * process, because nobody works at them.
 */
import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';

import { connect } from '#db/base/client.ts';
import { acmeSeed } from '#twins/halo/seeds/acme.ts';
import { otherCustomers } from '#twins/halo/seeds/demo.ts';
import type { HaloSeed } from '#twins/halo/seed.ts';
import { createHaloTwin } from '#twins/halo/server.ts';

import { applyFile } from './demo-link.ts';
import { keepVariables, readVariables } from './demo-desks.ts';
import type { Variables } from './demo-desks.ts';
import { demo, withDesks } from './operator.ts';
import type { Paths } from '#standalone/machine/paths.ts';

export type Customers = { close(): Promise<void> };

type CustomerName = keyof typeof otherCustomers;

const file = 'examples/more-customers.yaml';

/** Starts the desks and links them. Throws errors of the database and the desks. */
export async function startCustomers(paths: Paths, databaseUrl: string, secretKey: string): Promise<Customers> {
  const before = await readVariables(paths.demo);
  const desks = await Promise.all([deskOf('bluebird', paths, before), deskOf('cobalt', paths, before)]);
  const close = async (): Promise<void> => {
    await Promise.all(desks.map(({ twin }) => twin.close()));
  };
  try {
    const variables = Object.assign({}, ...desks.map(({ known }) => known)) as Variables;
    await keepVariables(paths.demo, { ...(await readVariables(paths.demo)), ...variables });
    await link(databaseUrl, secretKey, variables);
  } catch (error) {
    await close();
    throw error;
  }
  return { close };
}

async function deskOf(
  name: CustomerName,
  paths: Paths,
  before: Variables,
): Promise<{ readonly twin: Awaited<ReturnType<typeof createHaloTwin>>; readonly known: Variables }> {
  const prefix = name.toUpperCase();
  const clientId = `ferry-at-${name}`;
  const clientSecret = before[`${prefix}_CLIENT_SECRET`] || randomBytes(24).toString('base64url');
  const [application] = acmeSeed.applications;
  if (application === undefined) throw new Error("Acme's seed has no application");
  const dir = join(paths.twins, name);
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const twin = await createHaloTwin({
    seed: seedOf(name),
    dbPath: join(dir, 'halo.sqlite'),
    applications: [
      {
        ...application,
        client_id: clientId,
        // Somebody at Cobalt has renewed the secret without telling Northwind.
        client_secret: name === 'cobalt' ? randomBytes(24).toString('base64url') : clientSecret,
      },
    ],
  });
  const known = {
    [`${prefix}_URL`]: twin.url,
    [`${prefix}_CLIENT_ID`]: clientId,
    [`${prefix}_CLIENT_SECRET`]: clientSecret,
  };
  return { twin, known };
}

/** Makes an empty desk like Acme's. */
function seedOf(name: CustomerName): HaloSeed {
  return {
    ...acmeSeed,
    name: otherCustomers[name].account,
    tenant: name,
    mailbox: `helpdesk@${name}.example`,
    tickets: [],
  };
}

async function link(databaseUrl: string, secretKey: string, env: Variables): Promise<void> {
  const connection = connect(databaseUrl, { max: 2, name: 'ferry-demo' });
  try {
    await withDesks(connection.db, demo, secretKey, (operator) =>
      // The broken desk can't be asked for its catalogue; that is its purpose.
      applyFile(operator, file, env, { unchecked: true }),
    );
  } finally {
    await connection.close();
  }
}

// The demo's two desks as one start has them: addresses of this run, secrets that stay the same over restarts. They lie
// in a file of variables, which is also what the links file of the demo names.
import { randomBytes } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { parseEnv } from 'node:util';

import { local } from '#standalone/machine/ports.ts';
import { codeOf, fromFileSystem } from '#standalone/machine/errors.ts';
import type { Ports } from '#standalone/machine/kept.ts';

export const twinNames = ['acme', 'northwind'] as const;
export type TwinName = (typeof twinNames)[number];

/** As examples/acme-northwind.yaml has it. */
export const linkId = 'acme-northwind';

export type DemoDesk = {
  readonly url: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** Stands in the address of its webhook. */
  readonly hookSecret: string;
  /** Of Ferry's user, where the desk is a Request Tracker. */
  readonly token?: string;
};

export type DemoDesks = Readonly<Record<TwinName, DemoDesk>>;

export type Variables = Readonly<Record<string, string>>;

/** Reads the secrets, makes those that are missing, and writes them back with the addresses of this run. */
export async function keptDesks(file: string, ports: Ports): Promise<DemoDesks> {
  const before = await readVariables(file);
  const desks = Object.fromEntries(
    twinNames.map((name) => {
      const kept = (variable: string): string =>
        before[`${prefix(name)}_${variable}`] || randomBytes(24).toString('base64url');
      return [
        name,
        {
          url: local(ports[name]),
          clientId: `ferry-at-${name}`,
          clientSecret: kept('CLIENT_SECRET'),
          hookSecret: kept('HOOK_SECRET'),
        },
      ];
    }),
  ) as Record<TwinName, DemoDesk>;
  await keepVariables(file, { ...before, ...variablesOf(desks) });
  return desks;
}

/** Writes the whole file. */
export async function keepVariables(file: string, variables: Variables): Promise<void> {
  const text = Object.entries(variables).map(([name, value]) => `${name}=${value}\n`);
  try {
    await writeFile(`${file}.draft`, text.join(''), { mode: 0o600 });
    await rename(`${file}.draft`, file);
  } catch (error) {
    throw fromFileSystem(error, file, "the demo's secrets");
  }
}

/** What `{ env: NAME }` in examples/acme-northwind.yaml stands for. */
export function variablesOf(desks: DemoDesks): Variables {
  return Object.fromEntries(
    twinNames.flatMap((name) => {
      const { url, clientId, clientSecret, hookSecret, token } = desks[name];
      return [
        [`${prefix(name)}_URL`, url],
        [`${prefix(name)}_CLIENT_ID`, clientId],
        [`${prefix(name)}_CLIENT_SECRET`, clientSecret],
        [`${prefix(name)}_HOOK_SECRET`, hookSecret],
        ...(token === undefined ? [] : [[`${prefix(name)}_TOKEN`, token]]),
      ];
    }),
  );
}

/** Empty where there is no such file. */
export async function readVariables(file: string): Promise<Variables> {
  try {
    const entries = Object.entries(parseEnv(await readFile(file, 'utf8')));
    return Object.fromEntries(entries.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return {};
    throw fromFileSystem(error, file, "the demo's secrets");
  }
}

function prefix(name: TwinName): string {
  return name.toUpperCase();
}

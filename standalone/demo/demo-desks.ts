/**
 * The addresses and secrets of the demo's two desks. Addresses belong to one run; secrets stay the same over restarts. Both are
 * stored in a file of variables, which the demo's links file names.
 */
import { randomBytes } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { parseEnv } from 'node:util';

import { local } from '#standalone/machine/ports.ts';
import { codeOf, fromFileSystem } from '#standalone/machine/errors.ts';
import type { Ports } from '#standalone/machine/kept.ts';

export const twinNames = ['acme', 'northwind'] as const;
export type TwinName = (typeof twinNames)[number];

/** The same as in examples/acme-northwind.yaml. */
export const linkId = 'acme-northwind';

export type DemoDesk = {
  readonly url: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** Part of its webhook's address. */
  readonly hookSecret: string;
  /** Token of Ferry's user, if the desk is a Request Tracker. */
  readonly token?: string;
};

export type DemoDesks = Readonly<Record<TwinName, DemoDesk>>;

export type Variables = Readonly<Record<string, string>>;

/** Reads the secrets, makes missing ones, and stores them with the addresses of this run. */
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

/** Returns the values of `{ env: NAME }` in examples/acme-northwind.yaml. */
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

/** Reads the file; empty if it does not exist. */
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

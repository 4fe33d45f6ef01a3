/** Small things that must be the same at the next start: secrets and ports. */
import { randomBytes } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';

import { brokenData, codeOf, fromFileSystem } from './errors.ts';
import { choosePorts } from './ports.ts';

/**
 * Reads or makes 32 random bytes, as base64, in a file that only its owner reads.
 * @param mayCreate false if there are data that need the missing key
 * @throws StandaloneError broken-data
 */
export async function keptSecret(file: string, mayCreate: boolean): Promise<string> {
  try {
    const text = (await readFile(file, 'utf8')).trim();
    if (Buffer.from(text, 'base64').length === 32) return text;
    throw brokenData(file, 'it does not hold 32 bytes as base64');
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw fromFileSystem(error, file, 'a secret');
    if (!mayCreate) throw brokenData(file, 'it is missing, and the secrets in the database need it');
  }
  const secret = randomBytes(32).toString('base64');
  await writeWhole(file, `${secret}\n`);
  return secret;
}

export const portNames = ['page', 'gateway', 'acme', 'northwind', 'temporal', 'temporalUi', 'postgres'] as const;
export type PortName = (typeof portNames)[number];
export type Ports = Readonly<Record<PortName, number>>;

const wishes: Readonly<Record<PortName, { what: string; option: string; preferred: number }>> = {
  page: { what: "the demo's page", option: '--page-port', preferred: 8406 },
  gateway: { what: 'the gateway', option: '--port', preferred: 8400 },
  acme: { what: 'the twin Acme', option: '--acme-port', preferred: 8401 },
  northwind: { what: 'the twin Northwind', option: '--northwind-port', preferred: 8402 },
  temporal: { what: 'Temporal', option: '--temporal-port', preferred: 8403 },
  temporalUi: { what: "Temporal's web UI", option: '--temporal-ui-port', preferred: 8404 },
  postgres: { what: 'PostgreSQL', option: '--postgres-port', preferred: 8405 },
};

/**
 * Returns the ports of the last start if they are free, so that addresses stay the same. A port that the user named is used
 * or fails.
 * @throws StandaloneError port-taken
 */
export async function keptPorts(
  file: string,
  named: Readonly<Partial<Record<PortName, number | undefined>>>,
): Promise<Ports> {
  const last = await readPorts(file);
  const chosen = await choosePorts(
    portNames.map((name) => ({
      what: wishes[name].what,
      option: wishes[name].option,
      named: named[name],
      preferred: last[name] ?? wishes[name].preferred,
    })),
  );
  const ports = Object.fromEntries(portNames.map((name, i) => [name, chosen[i]])) as Ports;
  await writeWhole(file, `${JSON.stringify(ports)}\n`);
  return ports;
}

async function readPorts(file: string): Promise<Partial<Record<PortName, number>>> {
  try {
    const value: unknown = JSON.parse(await readFile(file, 'utf8'));
    if (typeof value !== 'object' || value === null) return {};
    return Object.fromEntries(
      Object.entries(value).filter(([, port]) => Number.isInteger(port) && port > 0 && port < 65_536),
    );
  } catch {
    return {};
  }
}

async function writeWhole(file: string, text: string): Promise<void> {
  try {
    await writeFile(`${file}.draft`, text, { mode: 0o600 });
    await rename(`${file}.draft`, file);
  } catch (error) {
    throw fromFileSystem(error, file, "Ferry's data");
  }
}

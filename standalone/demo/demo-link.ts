/** Applies the demo's links file: all of it until somebody changes the link, then only the addresses of the desks. */
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { parseDocument } from 'yaml';

import { applyLinks } from '#operate/apply/apply.ts';
import type { ApplyOptions, ApplyResult } from '#operate/apply/apply.ts';
import { faultLine } from '#operate/apply/fault-line.ts';
import type { HelpdeskOperator } from '#operate/operator.ts';
import { changedByOthers } from '#db/settings/changed-by.ts';
import type { Client } from '#db/base/client.ts';

import { linkId, twinNames, variablesOf } from './demo-desks.ts';
import type { DemoDesks, Variables } from './demo-desks.ts';
import { demo, withDesks } from './operator.ts';
import { demoFailed } from '#standalone/machine/errors.ts';
import { packageFile } from '#config/tree.ts';

function fileOf(desks: DemoDesks): string {
  return desks.northwind.token === undefined ? 'examples/acme-northwind.yaml' : 'examples/halo-to-rt.yaml';
}

const subjects = [`links/${linkId}`, 'profiles/northwind-standard'];

/**
 * Links the desks. Changes by `ferry apply` survive a restart; the desks' addresses and secrets always come from this run.
 * @param secretKey base64, 32 bytes @param options.overwrite also overwrites changes @throws StandaloneError demo-failed
 */
export async function linkDesks(
  db: Client,
  desks: DemoDesks,
  secretKey: string,
  say: (line: string) => void,
  options: { readonly overwrite?: boolean } = {},
): Promise<void> {
  const isTheirs = options.overwrite !== true && (await isChanged(db));
  if (isTheirs) say(`somebody changed the link ${linkId} with ferry apply, so it keeps its settings`);
  await withDesks(db, demo, secretKey, (operator) =>
    applyFile(operator, fileOf(desks), variablesOf(desks), {
      only: isTheirs ? 'instances' : 'all',
      // The desks are the same, although their ports may change at each start.
      moved: twinNames,
    }),
  );
}

/**
 * Applies an example. @param file its path in the package, such as `examples/halo-to-rt.yaml` @param env values of its variables
 * @throws StandaloneError demo-failed with the first fault
 */
export async function applyFile(
  operator: HelpdeskOperator,
  file: string,
  env: Variables,
  { only, ...options }: ApplyOptions & { readonly only?: 'all' | 'instances' } = {},
): Promise<void> {
  const path = packageFile(file);
  const text = await readFile(path, 'utf8');
  const readSecretFile = (name: string): Promise<string> => readFile(resolve(dirname(path), name), 'utf8');
  const yaml = only === 'instances' ? instancesOf(text) : text;
  assertApplied(file, await applyLinks(operator, yaml, { env, readSecretFile }, options));
}

/** Says whether somebody changed the link since the demo was first set up. */
export function isChanged(db: Client): Promise<boolean> {
  return changedByOthers(db, subjects, demo);
}

function instancesOf(text: string): string {
  const document = parseDocument(text);
  document.delete('profiles');
  document.delete('links');
  return document.toString();
}

function assertApplied(file: string, result: ApplyResult): void {
  if (result.outcome === 'overtaken') throw demoFailed('somebody applied a links file at the same moment');
  if (result.outcome !== 'wrong') return;
  const [first] = result.faults;
  const others = result.faults.length - 1;
  throw demoFailed(
    `${first === undefined ? file : faultLine(file, first)}${others > 0 ? ` (and ${others} more, see ferry apply ${file} --dry-run)` : ''}`,
  );
}

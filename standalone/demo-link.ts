// Applies the links file of the demo: all of it as long as nobody else set something there, else only where the desks are.
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { parseDocument } from 'yaml';

import { createApplyDeps } from '#cli/apply-deps.ts';
import { applyLinks } from '#cli/links/apply.ts';
import type { ApplyResult } from '#cli/links/apply.ts';
import { faultLine } from '#cli/print-apply.ts';
import { changedByOthers } from '#db/changed-by.ts';
import type { Client } from '#db/client.ts';

import { variablesOf } from './demo-desks.ts';
import type { DemoDesks } from './demo-desks.ts';
import { demoFailed } from './errors.ts';
import { programFile } from './paths.ts';

export const linkId = 'acme-northwind';

const file = 'examples/acme-northwind.yaml';
const by = 'demo';
const subjects = [`links/${linkId}`, 'profiles/northwind-standard'];

/**
 * What somebody changed with `ferry apply` survives a restart; addresses and secrets of the desks are always this run's.
 * @param secretKey base64, 32 bytes @throws StandaloneError demo-failed
 */
export async function linkDesks(
  db: Client,
  desks: DemoDesks,
  secretKey: string,
  say: (line: string) => void,
): Promise<void> {
  const path = programFile(file);
  const text = await readFile(path, 'utf8');
  const isTheirs = await changedByOthers(db, subjects, by);
  if (isTheirs) say(`the link ${linkId} has been changed by ferry apply and stays as it is`);
  const applying = createApplyDeps({
    db,
    secretKeys: [Buffer.from(secretKey, 'base64')],
    allowAddresses: ['127.0.0.1/32'],
    env: variablesOf(desks),
    folder: dirname(path),
  });
  try {
    assertApplied(await applyLinks(applying.deps, isTheirs ? instancesOf(text) : text, { by }));
  } finally {
    await applying.close();
  }
}

function instancesOf(text: string): string {
  const document = parseDocument(text);
  document.delete('profiles');
  document.delete('links');
  return document.toString();
}

function assertApplied(result: ApplyResult): void {
  if (result.outcome === 'overtaken') throw demoFailed('somebody else applied a links file at the same moment');
  if (result.outcome !== 'wrong') return;
  const [first] = result.faults;
  const others = result.faults.length - 1;
  throw demoFailed(
    `${first === undefined ? file : faultLine(file, first)}${others > 0 ? ` (and ${others} more, see ferry apply ${file} --dry-run)` : ''}`,
  );
}

/** `ferry apply links.yaml` */
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { openSecret, sealSecret } from '#config/secrets.ts';
import { rulesOf } from '#connectors/index.ts';
import { createCatalogueReader } from '#cli/catalogue.ts';
import { findContext, withDatabase } from '#cli/context.ts';
import type { Context, GlobalOptions } from '#cli/context.ts';
import type { CliDeps } from '#cli/deps.ts';
import { CliError, exitCodes } from '#cli/errors.ts';
import { applyLinks } from '#cli/links/apply.ts';
import type { ApplyResult, Preview } from '#cli/links/apply.ts';
import type { ApplyDeps } from '#cli/links/types.ts';
import { changeLine, count, faultLine } from '#cli/print-apply.ts';
import { printable } from '#cli/print.ts';

export type ApplyCommand = GlobalOptions & {
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly json?: boolean;
  readonly unchecked?: boolean;
};

export async function apply(file: string, options: ApplyCommand, deps: CliDeps): Promise<number> {
  const path = resolve(deps.cwd, file);
  const text = await readText(path, file);
  const context = await findContext(options, deps, { secrets: true });
  const reader = createCatalogueReader(context.allowAddresses);
  try {
    return await withDatabase(context, async ({ db }) => {
      const apart = options.json === true ? deps.err : deps.out;
      const asks = deps.isInteractive && options.yes !== true && options.json !== true;
      const result = await applyLinks(
        { ...secretsOf(context), ...sourcesOf(path, deps), db, rulesOf, readCatalogue: reader.read },
        text,
        {
          dryRun: options.dryRun ?? false,
          unchecked: options.unchecked ?? false,
          ...(asks ? { confirm: (preview) => confirm(preview, deps) } : {}),
        },
      );
      if (options.json === true) deps.out(`${JSON.stringify(result)}\n`);
      else say(result, file, asks, apart, deps.err);
      return exitCodeOf(result);
    });
  } finally {
    await reader.close();
  }
}

async function readText(path: string, file: string): Promise<string> {
  try {
    const bytes = await readFile(path);
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new CliError(
      'unreadable-file',
      exitCodes.usage,
      code === 'ERR_ENCODING_INVALID_ENCODED_DATA'
        ? `${file} is not UTF-8; save it as UTF-8`
        : `${file} can't be read (${code ?? 'unknown'}); name a readable file`,
    );
  }
}

function secretsOf(context: Context): Pick<ApplyDeps, 'seal' | 'open'> {
  const [key] = context.secretKeys;
  if (key === undefined) throw new Error('no key was asked for');
  return {
    seal: (plain, secretContext) => sealSecret(plain, secretContext, key),
    open: (sealed, secretContext) => openSecret(sealed, secretContext, context.secretKeys),
  };
}

/** Secrets in files are named from where the links file is. */
function sourcesOf(path: string, deps: CliDeps): Pick<ApplyDeps, 'env' | 'readSecretFile'> {
  return {
    env: deps.env,
    readSecretFile: (name) => readFile(resolve(dirname(path), name), 'utf8'),
  };
}

async function confirm(preview: Preview, deps: CliDeps): Promise<boolean> {
  for (const line of previewLines(preview)) deps.out(`${line}\n`);
  const answer = await deps.ask(`Apply ${count(preview.changes.length, 'change')}? [y/N] `);
  return /^y(?:es)?$/i.test(answer.trim());
}

function previewLines({ changes, warnings }: Preview): string[] {
  return [...warnings.map((warning) => `! ${printable(warning)}`), ...changes.map((change) => changeLine(change))];
}

function say(
  result: ApplyResult,
  file: string,
  isShown: boolean,
  out: (text: string) => void,
  err: (text: string) => void,
): void {
  const number = count(result.changes.length, 'change');
  if (result.outcome === 'wrong') {
    for (const warning of result.warnings) err(`! ${printable(warning)}\n`);
    for (const fault of result.faults) err(`${printable(faultLine(file, fault))}\n`);
    err(`ferry: ${count(result.faults.length, 'fault')} in ${file}; nothing was changed [links-wrong]\n`);
    return;
  }
  if (!isShown) for (const line of previewLines(result)) out(`${line}\n`);
  if (result.outcome === 'unchanged') out('Nothing to change.\n');
  else if (result.outcome === 'dry-run') out(`${number} would be made; this was a dry run.\n`);
  else if (result.outcome === 'applied') out(`${number} made.\n`);
  else if (result.outcome === 'declined') out('Nothing was changed.\n');
  else
    err(
      'ferry: somebody else changed settings meanwhile; nothing was changed, look again and apply again [overtaken]\n',
    );
}

function exitCodeOf({ outcome }: ApplyResult): number {
  if (outcome === 'wrong') return exitCodes.config;
  return outcome === 'declined' || outcome === 'overtaken' ? exitCodes.no : exitCodes.ok;
}

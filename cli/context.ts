/** Where a command finds its database and its keys: an option, else the environment, else the Ferry that runs here. */
import { readFileSync } from 'node:fs';
import { configFrom, ConfigError, readEnv } from '#config/env.ts';
import type { RawSettings, SettingName } from '#config/env.ts';
import { connect } from '#db/base/client.ts';
import type { Connection } from '#db/base/client.ts';
import { assertSchema } from '#db/base/migrate.ts';
import { CliError, exitCodes } from './errors.ts';
import type { CliDeps } from './deps.ts';

/** Options that every command takes. */
export type GlobalOptions = { readonly database?: string; readonly data?: string };

export type Context = {
  readonly databaseUrl: string;
  /** host:port; null where none is known. */
  readonly temporalAddress: string | null;
  /** The first seals; all open. Empty where the command was not asked to need them. */
  readonly secretKeys: readonly Uint8Array[];
  readonly allowAddresses: readonly string[];
  /** At which others reach the gateway; undefined where none do. Without a trailing slash. */
  readonly publicUrl: string | undefined;
  /** Of the Ferry that runs here: what a links file may name beside the environment. */
  readonly variables: Readonly<Record<string, string>>;
};

const wanted = [
  'DATABASE_URL',
  'TEMPORAL_ADDRESS',
  'FERRY_SECRET_KEY',
  'FERRY_ALLOW_ADDRESSES',
  'FERRY_PUBLIC_URL',
] as const satisfies readonly SettingName[];

/** Throws CliError and ConfigError. @param needs.secrets whether the command seals or opens secrets */
export async function findContext(
  options: GlobalOptions,
  deps: CliDeps,
  needs: { readonly secrets: boolean },
): Promise<Context> {
  const read = readEnv(deps.env, (path) => readFileSync(path, 'utf8'));
  // Links files name variables of their own; only those that matter here can be wrong here.
  const broken = read.faults.filter(({ variable }) =>
    wanted.some((name) => variable === name || variable === `${name}_FILE`),
  );
  if (broken.length > 0) throw new ConfigError(broken);

  const named = options.database ?? (options.data === undefined ? read.raw.DATABASE_URL : undefined);
  const running =
    named === undefined || (needs.secrets && read.raw.FERRY_SECRET_KEY === undefined)
      ? await deps.findRunning(options.data)
      : null;
  const databaseUrl = named ?? running?.databaseUrl;
  if (databaseUrl === undefined)
    throw new CliError(
      'no-database',
      exitCodes.config,
      `no database is named and no Ferry runs on ${options.data ?? 'the default data directory'}; start one (ferry start), name the directory of one with --data, or a database with --database or DATABASE_URL`,
    );
  // Only the key of the Ferry whose database it is.
  const own = running?.databaseUrl === databaseUrl ? running : null;
  return checked(databaseUrl, read.raw, own, needs);
}

function checked(
  databaseUrl: string,
  raw: RawSettings,
  running: Awaited<ReturnType<CliDeps['findRunning']>>,
  needs: { readonly secrets: boolean },
): Context {
  const secretKey = running?.secretKey ?? raw.FERRY_SECRET_KEY;
  const temporal = running?.temporalAddress ?? raw.TEMPORAL_ADDRESS;
  const allow = raw.FERRY_ALLOW_ADDRESSES ?? running?.allowAddresses.join(',');
  const publicUrl = raw.FERRY_PUBLIC_URL ?? running?.publicUrl;
  const result = configFrom({
    DATABASE_URL: databaseUrl,
    // A command that needs no key is not asked for one.
    FERRY_SECRET_KEY: secretKey ?? (needs.secrets ? '' : Buffer.alloc(32).toString('base64')),
    ...(temporal === undefined ? {} : { TEMPORAL_ADDRESS: temporal }),
    ...(allow === undefined ? {} : { FERRY_ALLOW_ADDRESSES: allow }),
    ...(publicUrl === undefined ? {} : { FERRY_PUBLIC_URL: publicUrl }),
  });
  if (result.config === undefined) throw new ConfigError(result.faults);
  const { config } = result;
  return {
    databaseUrl: config.databaseUrl,
    temporalAddress: config.temporal.address,
    secretKeys: needs.secrets ? config.secretKeys : [],
    allowAddresses: config.allowAddresses,
    publicUrl: config.publicUrl?.replace(/\/+$/, ''),
    variables: running?.variables ?? {},
  };
}

/** Opens the database for the time of `use`, at this version's schema. */
export async function withDatabase<Result>(
  context: Context,
  use: (connection: Connection) => Promise<Result>,
): Promise<Result> {
  const connection = connect(context.databaseUrl, { max: 4, name: 'ferry-cli' });
  try {
    await assertSchema(connection.sql);
    return await use(connection);
  } finally {
    await connection.close();
  }
}

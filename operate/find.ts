/** Where a command finds the database and the keys: an option, else the environment, else the Ferry that runs here. */
import { readFileSync } from 'node:fs';
import { configFrom, ConfigError, readEnv } from '#config/env.ts';
import type { RawSettings, SettingName } from '#config/env.ts';
import type { TlsSettings } from '#config/tls.ts';
import { Refused } from './refused.ts';

/** What a Ferry that runs on this machine says of itself. */
export type Running = {
  readonly databaseUrl: string;
  readonly secretKey: string;
  readonly temporalAddress: string | undefined;
  readonly allowAddresses: readonly string[];
  /** Where it has one. */
  readonly publicUrl?: string | undefined;
  /** For `{ env: NAME }` in links files, where the environment has no such variable. */
  readonly variables?: Readonly<Record<string, string>>;
};

export type Found = {
  readonly databaseUrl: string;
  /** Of the same database, for the role that owns its tables; undefined where `databaseUrl` is that role's. */
  readonly databaseOwnerUrl: string | undefined;
  /** Undefined where the URL's `sslmode` says what is asked for. */
  readonly databaseTls: TlsSettings | undefined;
  /** host:port; null where none is known. */
  readonly temporalAddress: string | null;
  /** The first seals; all open. Empty where none were asked for. */
  readonly secretKeys: readonly Uint8Array[];
  /** Of contents, as for gateways and workers; none: they are kept as they are. */
  readonly contentKeys: readonly Uint8Array[];
  /** The directory of files that gateways and workers share. */
  readonly blobs: string;
  readonly allowAddresses: readonly string[];
  /** At which others reach the gateway; undefined where none do. Without a trailing slash. */
  readonly publicUrl: string | undefined;
  /** Of the Ferry that runs here: what a links file may name beside the environment. */
  readonly variables: Readonly<Record<string, string>>;
};

const wanted = [
  'DATABASE_URL',
  'DATABASE_OWNER_URL',
  'DATABASE_TLS_CA',
  'DATABASE_TLS_CERT',
  'DATABASE_TLS_KEY',
  'TEMPORAL_ADDRESS',
  'FERRY_SECRET_KEY',
  'FERRY_CONTENT_KEY',
  'FERRY_BLOBS',
  'FERRY_ALLOW_ADDRESSES',
  'FERRY_PUBLIC_URL',
] as const satisfies readonly SettingName[];

/**
 * @param named a database, or the data directory of a Ferry that runs here
 * @param needs.secrets whether secrets are sealed or opened
 * @throws Refused no-database, ConfigError
 */
export async function findConfig(
  named: { readonly database?: string | undefined; readonly data?: string | undefined },
  env: Readonly<Record<string, string | undefined>>,
  findRunning: (data?: string) => Promise<Running | null>,
  needs: { readonly secrets: boolean },
): Promise<Found> {
  const read = readEnv(env, (path) => readFileSync(path, 'utf8'));
  // Links files name variables of their own; only those that matter here can be wrong here.
  const broken = read.faults.filter(({ variable }) =>
    wanted.some((name) => variable === name || variable === `${name}_FILE`),
  );
  if (broken.length > 0) throw new ConfigError(broken);

  const database = named.database ?? (named.data === undefined ? read.raw.DATABASE_URL : undefined);
  const running =
    database === undefined || (needs.secrets && read.raw.FERRY_SECRET_KEY === undefined)
      ? await findRunning(named.data)
      : null;
  const databaseUrl = database ?? running?.databaseUrl;
  if (databaseUrl === undefined)
    throw new Refused(
      'no-database',
      'setup',
      `no database is named and no Ferry runs on ${named.data ?? 'the default data directory'}; start one (ferry start), name the directory of one with --data, or a database with --database or DATABASE_URL`,
    );
  // Only the key of the Ferry whose database it is.
  const own = running?.databaseUrl === databaseUrl ? running : null;
  return checked(databaseUrl, read.raw, own, needs);
}

function checked(
  databaseUrl: string,
  raw: RawSettings,
  running: Running | null,
  needs: { readonly secrets: boolean },
): Found {
  const secretKey = running?.secretKey ?? raw.FERRY_SECRET_KEY;
  const temporal = running?.temporalAddress ?? raw.TEMPORAL_ADDRESS;
  const allow = raw.FERRY_ALLOW_ADDRESSES ?? running?.allowAddresses.join(',');
  const publicUrl = raw.FERRY_PUBLIC_URL ?? running?.publicUrl;
  // It belongs to the database of the environment, not to one that an option names.
  const ownerUrl = databaseUrl === raw.DATABASE_URL ? raw.DATABASE_OWNER_URL : undefined;
  const result = configFrom({
    DATABASE_URL: databaseUrl,
    ...(ownerUrl === undefined ? {} : { DATABASE_OWNER_URL: ownerUrl }),
    ...(running === null ? tlsOf(raw) : {}),
    ...(raw.FERRY_BLOBS === undefined ? {} : { FERRY_BLOBS: raw.FERRY_BLOBS }),
    ...(raw.FERRY_CONTENT_KEY === undefined ? {} : { FERRY_CONTENT_KEY: raw.FERRY_CONTENT_KEY }),
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
    databaseOwnerUrl: config.databaseOwnerUrl,
    databaseTls: config.databaseTls,
    temporalAddress: config.temporal.address,
    secretKeys: needs.secrets ? config.secretKeys : [],
    contentKeys: config.contentKeys,
    blobs: config.blobs,
    allowAddresses: config.allowAddresses,
    publicUrl: config.publicUrl?.replace(/\/{1,50}$/, ''),
    variables: running?.variables ?? {},
  };
}

/** Of the environment's certificates, those for the database. */
function tlsOf(raw: RawSettings): RawSettings {
  const names = ['DATABASE_TLS_CA', 'DATABASE_TLS_CERT', 'DATABASE_TLS_KEY'] as const;
  return Object.fromEntries(names.flatMap((name) => (raw[name] === undefined ? [] : [[name, raw[name]]])));
}

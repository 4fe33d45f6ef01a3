/** Finds a command's database and keys: from an option, the environment, or the Ferry that runs on this machine. */
import { readFileSync } from 'node:fs';
import { configFrom, ConfigError, readEnv } from '#config/env.ts';
import type { RawSettings, SettingName } from '#config/env.ts';
import type { TlsSettings } from '#config/tls.ts';
import { Refused } from './refused.ts';

/** The settings of a Ferry that runs on this machine. */
export type Running = {
  readonly databaseUrl: string;
  readonly secretKey: string;
  readonly temporalAddress: string | undefined;
  readonly allowAddresses: readonly string[];
  /** Null if it has none. */
  readonly publicUrl?: string | undefined;
  /** Values of `{ env: NAME }` in links files that the environment does not have. */
  readonly variables?: Readonly<Record<string, string>>;
};

export type Found = {
  readonly databaseUrl: string;
  /** URL of the same database for the role that owns its tables; undefined if `databaseUrl` already uses that role. */
  readonly databaseOwnerUrl: string | undefined;
  /** Undefined if the URL's `sslmode` decides. */
  readonly databaseTls: TlsSettings | undefined;
  /** host:port; null if unknown. */
  readonly temporalAddress: string | null;
  /** The first seals; all open. Empty if the caller needs no keys. */
  readonly secretKeys: readonly Uint8Array[];
  /** The keys for contents, as in gateways and workers; without any, contents are stored in plain text. */
  readonly contentKeys: readonly Uint8Array[];
  /** The directory of files that gateways and workers share. */
  readonly blobs: string;
  readonly allowAddresses: readonly string[];
  /** The URL at which others reach the gateway, without a trailing slash; undefined if others can't reach it. */
  readonly publicUrl: string | undefined;
  /** Variables of the Ferry that runs here, which links files may name besides the environment. */
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
 * Finds them.
 * @param named a database, or the data directory of a Ferry that runs here
 * @param needs.secrets whether the command seals or opens secrets
 * @throws Refused no-database, ConfigError
 */
export async function findConfig(
  named: { readonly database?: string | undefined; readonly data?: string | undefined },
  env: Readonly<Record<string, string | undefined>>,
  findRunning: (data?: string) => Promise<Running | null>,
  needs: { readonly secrets: boolean },
): Promise<Found> {
  const read = readEnv(env, (path) => readFileSync(path, 'utf8'));
  // Links files name other variables; report only errors in those that the command itself uses.
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
      `no database is named, and no Ferry is running on ${named.data ?? 'the default data directory'}; start one (ferry start), name the directory of one with --data, or a database with --database or DATABASE_URL`,
    );
  // Use the running Ferry's key only with its own database.
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
  // This key belongs to the environment's database, not to one that an option names.
  const ownerUrl = databaseUrl === raw.DATABASE_URL ? raw.DATABASE_OWNER_URL : undefined;
  const result = configFrom({
    DATABASE_URL: databaseUrl,
    ...(ownerUrl === undefined ? {} : { DATABASE_OWNER_URL: ownerUrl }),
    ...(running === null ? tlsOf(raw) : {}),
    ...(raw.FERRY_BLOBS === undefined ? {} : { FERRY_BLOBS: raw.FERRY_BLOBS }),
    ...(raw.FERRY_CONTENT_KEY === undefined ? {} : { FERRY_CONTENT_KEY: raw.FERRY_CONTENT_KEY }),
    // A command that needs no key works without one.
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

/** Returns the environment's certificates for the database. */
function tlsOf(raw: RawSettings): RawSettings {
  const names = ['DATABASE_TLS_CA', 'DATABASE_TLS_CERT', 'DATABASE_TLS_KEY'] as const;
  return Object.fromEntries(names.flatMap((name) => (raw[name] === undefined ? [] : [[name, raw[name]]])));
}

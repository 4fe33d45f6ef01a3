/**
 * Reads Ferry's configuration from environment variables, in two pure steps: `readEnv` collects the values (also from files of
 * secrets), and `configFrom` checks them. Both report all faults, not only the first.
 */
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { z } from 'zod';
import { isServiceLink } from './service-links.ts';
import type { TemporalSettings } from './temporal-connection.ts';
import { tlsFrom, type TlsSettings } from './tls.ts';

export type Fault = { readonly variable: string; readonly problem: string; readonly fix: string };

/** All faults of an environment; the message has a line for each. It never shows values, because they may be secret. */
export class ConfigError extends Error {
  readonly code = 'config-invalid';
  readonly exitCode = 78;
  readonly faults: readonly Fault[];

  constructor(faults: readonly Fault[]) {
    const lines = faults.map(({ variable, problem, fix }) => `${variable} ${problem}; ${fix}`);
    super(`the configuration is wrong: ${lines.join(' / ')}`);
    this.name = 'ConfigError';
    this.faults = faults;
  }
}

const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

type Setting = {
  readonly schema: z.ZodType;
  /** Whether the value may come from the file that `<name>_FILE` names. */
  readonly secret?: boolean;
  /** The expected value, in words that complete "set it to …". */
  readonly expects: string;
};

/** The limits of one API client: docs/limits.md. */
const limitNames = ['requests', 'actions', 'bodyMiB', 'fileMiB', 'uploadsMiB', 'waiting', 'freeMiB'] as const;
export type ChosenLimits = Readonly<Partial<Record<(typeof limitNames)[number], number>>>;

const port = z.coerce.number().int().min(0).max(65_535);
const url = (...protocols: string[]): z.ZodType<string> =>
  z.string().refine((text) => protocols.includes(URL.parse(text)?.protocol ?? ''));

/** Every variable that Ferry knows. */
const settings = {
  DATABASE_URL: {
    schema: url('postgres:', 'postgresql:'),
    secret: true,
    expects: 'a URL such as postgres://user:password@host:5432/ferry',
  },
  DATABASE_OWNER_URL: {
    schema: url('postgres:', 'postgresql:').optional(),
    secret: true,
    expects: 'the URL of the same database with the role that owns its tables; only ferry migrate uses it',
  },
  DATABASE_TLS_CA: { schema: z.string().optional(), secret: true, expects: 'certificates as PEM' },
  DATABASE_TLS_CERT: { schema: z.string().optional(), secret: true, expects: 'a certificate as PEM' },
  DATABASE_TLS_KEY: { schema: z.string().optional(), secret: true, expects: 'a private key as PEM' },
  TEMPORAL_ADDRESS: {
    schema: z
      .string()
      .regex(/^(\[[\da-fA-F:]+\]|[^\s:/]+):\d{1,5}$/)
      .default('127.0.0.1:7233'),
    expects: 'host:port of the Temporal frontend',
  },
  TEMPORAL_NAMESPACE: {
    schema: z.string().min(1).max(255).default('default'),
    expects: 'the name of a Temporal namespace',
  },
  TEMPORAL_TLS: {
    schema: z.enum(['true', 'false']).optional(),
    expects: 'true or false; true if another TEMPORAL_TLS setting or TEMPORAL_API_KEY is set',
  },
  TEMPORAL_TLS_CA: { schema: z.string().optional(), secret: true, expects: 'certificates as PEM' },
  TEMPORAL_TLS_CERT: { schema: z.string().optional(), secret: true, expects: 'a certificate as PEM' },
  TEMPORAL_TLS_KEY: { schema: z.string().optional(), secret: true, expects: 'a private key as PEM' },
  TEMPORAL_TLS_SERVER_NAME: {
    schema: z.string().min(1).max(253).optional(),
    expects: "the name in Temporal's certificate, if it is not the host of TEMPORAL_ADDRESS",
  },
  TEMPORAL_API_KEY: {
    schema: z
      .string()
      .regex(/^[\x21-\x7e]+$/)
      .optional(),
    secret: true,
    expects: 'the API key, without white space',
  },
  FERRY_SECRET_KEY: {
    schema: z
      .string()
      .transform((text) => text.split(',').map((part) => Buffer.from(part.trim(), 'base64')))
      .refine((keys) => keys.every((key) => key.length === 32)),
    secret: true,
    expects: '32 bytes as base64 (openssl rand -base64 32), older keys after it, separated by commas',
  },
  FERRY_CONTENT_KEY: {
    schema: z
      .string()
      .transform((text) => text.split(',').map((part) => Buffer.from(part.trim(), 'base64')))
      .refine((keys) => keys.every((key) => key.length === 32))
      .optional(),
    secret: true,
    expects: '32 bytes as base64 (openssl rand -base64 32), older keys after it, separated by commas',
  },
  FERRY_HOST: {
    schema: z.string().min(1).default('127.0.0.1'),
    expects: 'the address to listen on',
  },
  FERRY_PORT: { schema: port.default(8400), expects: 'a port from 0 to 65535' },
  FERRY_PUBLIC_URL: {
    schema: url('http:', 'https:').optional(),
    expects: 'the URL at which others reach this gateway',
  },
  FERRY_BLOBS: {
    schema: z.string().min(1).default('blobs'),
    expects: 'a directory for attachments, shared by gateways and workers',
  },
  FERRY_ALLOW_ADDRESSES: {
    schema: z
      .string()
      .default('')
      .transform((text) => listOf(text))
      .refine((ranges) => ranges.every((range) => /^[\da-fA-F.:]+\/\d{1,3}$/.test(range))),
    expects: 'ranges of private addresses that helpdesks may have, for instance 10.1.0.0/16',
  },
  FERRY_WEBHOOK_ADDRESSES: {
    schema: z
      .string()
      .default('')
      .transform((text) => listOf(text))
      .refine((ranges) => ranges.every((range) => /^[\da-fA-F.:]+\/\d{1,3}$/.test(range))),
    expects: 'ranges of private addresses at which API clients may have Ferry call them, for instance 10.1.7.0/24',
  },
  FERRY_TRUSTED_PROXIES: {
    schema: z
      .string()
      .default('')
      .transform((text) => listOf(text))
      .refine((ranges) => ranges.every(isRange)),
    expects: 'addresses or ranges of the proxies before this gateway, for instance 127.0.0.1,10.1.0.0/16',
  },
  FERRY_PROXY_HEADER: {
    schema: z.enum(['x-forwarded-for', 'forwarded']).default('x-forwarded-for'),
    expects: 'the header that the trusted proxies write: x-forwarded-for or forwarded',
  },
  FERRY_LIMITS: {
    schema: z
      .string()
      .default('')
      .transform((text) => listOf(text).map((part) => part.split('=', 2).map((word) => word.trim())))
      .refine((pairs) =>
        pairs.every(
          ([name = '', value = '']) => limitNames.some((one) => one === name) && /^[1-9]\d{0,8}$/.test(value),
        ),
      )
      .transform((pairs): ChosenLimits => Object.fromEntries(pairs.map(([name, value]) => [name, Number(value)]))),
    expects: 'some of requests=3000,actions=6000,bodyMiB=60,fileMiB=600,uploadsMiB=1024,waiting=10000,freeMiB=512',
  },
  FERRY_SMTP_URL: {
    schema: url('smtp:', 'smtps:').optional(),
    secret: true,
    expects: 'a URL such as smtps://user:password@mail.example.com',
  },
  FERRY_MAIL_FROM: {
    schema: z.string().regex(/@/).optional(),
    expects: 'the mail address from which notices are sent',
  },
  FERRY_METRICS_HOST: {
    schema: z.string().min(1).default('127.0.0.1'),
    expects: 'the address at which Prometheus reads metrics',
  },
  FERRY_METRICS_PORT: {
    schema: port.optional(),
    expects: 'a port from 0 to 65535, a different one for each program on the same machine',
  },
  // OpenTelemetry's own variable. Its library reads this and others with the same prefix.
  OTEL_EXPORTER_OTLP_ENDPOINT: {
    schema: url('http:', 'https:').optional(),
    expects: 'the URL of an OTLP collector, such as http://127.0.0.1:4318',
  },
  FERRY_LOG: {
    schema: z.enum(logLevels).default('info'),
    expects: `one of ${logLevels.join(', ')}`,
  },
} as const satisfies Readonly<Record<string, Setting>>;

export type SettingName = keyof typeof settings;
const names = Object.keys(settings) as SettingName[];

export type Config = {
  readonly databaseUrl: string;
  /** URL for the role that owns the tables, if `databaseUrl` uses another role. */
  readonly databaseOwnerUrl: string | undefined;
  /** If absent, `sslmode` in the URL decides. */
  readonly databaseTls?: TlsSettings;
  readonly temporal: TemporalSettings;
  /** The first seals; all open. 32 bytes each. */
  readonly secretKeys: readonly Uint8Array[];
  /** The first seals contents; all open, 32 bytes each. Without any, contents are stored in plain text. */
  readonly contentKeys: readonly Uint8Array[];
  readonly host: string;
  readonly port: number;
  readonly publicUrl: string | undefined;
  readonly blobs: string;
  /** Private CIDR ranges to which Ferry may send requests. */
  readonly allowAddresses: readonly string[];
  /** Private CIDR ranges to which webhooks of API clients may be sent. */
  readonly webhookAddresses: readonly string[];
  /** The proxies that Ferry trusts to name the caller of a request. */
  readonly proxies: { readonly ranges: readonly string[]; readonly header: 'x-forwarded-for' | 'forwarded' };
  readonly limits: ChosenLimits;
  readonly smtpUrl: string | undefined;
  readonly mailFrom: string | undefined;
  readonly log: LogLevel;
  /** Where Prometheus reads metrics; null if nowhere. */
  readonly metrics: { readonly host: string; readonly port: number } | null;
  /** Whether an OTLP endpoint is set, so that traces are sent. */
  readonly otlp: boolean;
};

export type Environment = Readonly<Record<string, string | undefined>>;
export type RawSettings = Readonly<Partial<Record<SettingName, string>>>;

export type ReadResult = { readonly raw: RawSettings; readonly faults: readonly Fault[] };

/**
 * Collects the values and trims them, because files and templates add white space. An empty value counts as not set. An unknown
 * FERRY_ variable is a fault, because it is probably a typing error; FERRY_TEST_ belongs to the tests, and Kubernetes' variables for
 * a Service are ignored.
 * @param readText reads the file that a `_FILE` variable names; throws if it can't
 */
export function readEnv(env: Environment, readText: (path: string) => string): ReadResult {
  const faults: Fault[] = [];
  const raw: Partial<Record<SettingName, string>> = {};
  for (const name of names) {
    const [value, path] = [settingIn(env, name), settingIn(env, `${name}_FILE`)];
    const setting: Setting = settings[name];
    if (setting.secret !== true) {
      if (value) raw[name] = value;
    } else if (path && value) {
      faults.push({
        variable: name,
        problem: `and ${name}_FILE are both set`,
        fix: 'unset one of them',
      });
    } else if (path) {
      try {
        const text = readText(path).trim();
        if (text === '')
          faults.push({
            variable: `${name}_FILE`,
            problem: `names ${path}, which is empty`,
            fix: 'write the value into it',
          });
        else raw[name] = text;
      } catch (error) {
        faults.push({
          variable: `${name}_FILE`,
          problem: `names ${path}, which cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`,
          fix: 'name a readable file',
        });
      }
    } else if (value) raw[name] = value;
  }
  const known = new Set<string>(
    names.flatMap((name) => {
      const setting: Setting = settings[name];
      return setting.secret === true ? [name, `${name}_FILE`] : [name];
    }),
  );
  for (const name of Object.keys(env).toSorted())
    if (name.startsWith('FERRY_') && !name.startsWith('FERRY_TEST_') && !known.has(name) && !isInjected(env, name))
      faults.push(unknown(name));
  return { raw, faults };
}

function settingIn(env: Environment, name: string): string | undefined {
  return isInjected(env, name) ? undefined : env[name]?.trim();
}

function isInjected(env: Environment, name: string): boolean {
  return isServiceLink(name, env[name] ?? '');
}

function unknown(variable: string): Fault {
  const near = nearest(variable.replace(/_FILE$/, ''));
  return {
    variable,
    problem: 'is not a variable that Ferry knows',
    fix: near === undefined ? 'unset it' : `unset it, or did you mean ${near}?`,
  };
}

function nearest(name: string): string | undefined {
  const most = 3;
  const [best] = names
    .map((known) => ({ known, far: distance(name, known) }))
    .filter(({ far }) => far <= most)
    .toSorted((a, b) => a.far - b.far);
  return best?.known;
}

/** Counts the letters to insert, delete or change. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(change, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}

export type ConfigResult =
  | { readonly config: Config; readonly faults: readonly [] }
  | { readonly config?: undefined; readonly faults: readonly Fault[] };

type Get = <N extends SettingName>(name: N) => z.output<(typeof settings)[N]['schema']>;

/** Reads settings one by one, and collects their faults. */
function reader(raw: RawSettings, faults: Fault[]): Get {
  return (name) => {
    const setting = settings[name];
    const result = setting.schema.safeParse(raw[name]);
    if (!result.success)
      faults.push({
        variable: name,
        problem: raw[name] === undefined ? 'is not set' : 'cannot be used',
        fix: `set it to ${setting.expects}`,
      });
    // A fault prevents a config, so nobody sees this value.
    return result.data as z.output<(typeof settings)[typeof name]['schema']>;
  };
}

/** Reads the connection to Temporal, for programs that need nothing else. @param faults receives the faults */
export function temporalFrom(raw: RawSettings, faults: Fault[]): TemporalSettings {
  const get = reader(raw, faults);
  const read = tlsFrom('TEMPORAL_TLS', {
    ca: get('TEMPORAL_TLS_CA'),
    cert: get('TEMPORAL_TLS_CERT'),
    key: get('TEMPORAL_TLS_KEY'),
  });
  faults.push(...read.faults);
  const [wanted, serverName, apiKey] = [get('TEMPORAL_TLS'), get('TEMPORAL_TLS_SERVER_NAME'), get('TEMPORAL_API_KEY')];
  const asks = read.tls !== null || serverName !== undefined || apiKey !== undefined;
  if (wanted === 'false' && asks)
    faults.push({
      variable: 'TEMPORAL_TLS',
      problem: 'is false although another setting of TEMPORAL_TLS or TEMPORAL_API_KEY is set',
      fix: 'unset one of them: Ferry never sends a key without TLS',
    });
  return {
    address: get('TEMPORAL_ADDRESS'),
    namespace: get('TEMPORAL_NAMESPACE'),
    ...(asks || wanted === 'true' ? { tls: { ...read.tls, ...(serverName === undefined ? {} : { serverName }) } } : {}),
    ...(apiKey === undefined ? {} : { apiKey }),
  };
}

/** Checks the collected values. */
export function configFrom(raw: RawSettings): ConfigResult {
  const faults: Fault[] = [];
  const get = reader(raw, faults);
  const { tls: databaseTls, faults: tlsFaults } = tlsFrom('DATABASE_TLS', {
    ca: get('DATABASE_TLS_CA'),
    cert: get('DATABASE_TLS_CERT'),
    key: get('DATABASE_TLS_KEY'),
  });
  faults.push(...tlsFaults);
  if (databaseTls !== null && /[?&]sslmode=disable(?:&|$)/.test(raw.DATABASE_URL ?? ''))
    faults.push({
      variable: 'DATABASE_URL',
      problem: 'says sslmode=disable although DATABASE_TLS_… is set',
      fix: 'remove sslmode from it, or unset DATABASE_TLS_…',
    });
  const config: Config = {
    databaseUrl: get('DATABASE_URL'),
    databaseOwnerUrl: get('DATABASE_OWNER_URL'),
    ...(databaseTls === null ? {} : { databaseTls }),
    temporal: temporalFrom(raw, faults),
    secretKeys: get('FERRY_SECRET_KEY'),
    contentKeys: get('FERRY_CONTENT_KEY') ?? [],
    host: get('FERRY_HOST'),
    port: get('FERRY_PORT'),
    publicUrl: get('FERRY_PUBLIC_URL'),
    blobs: get('FERRY_BLOBS'),
    allowAddresses: get('FERRY_ALLOW_ADDRESSES'),
    webhookAddresses: get('FERRY_WEBHOOK_ADDRESSES'),
    proxies: { ranges: get('FERRY_TRUSTED_PROXIES'), header: get('FERRY_PROXY_HEADER') },
    limits: get('FERRY_LIMITS'),
    smtpUrl: get('FERRY_SMTP_URL'),
    mailFrom: get('FERRY_MAIL_FROM'),
    log: get('FERRY_LOG'),
    metrics: metricsAt(get('FERRY_METRICS_HOST'), get('FERRY_METRICS_PORT')),
    otlp: get('OTEL_EXPORTER_OTLP_ENDPOINT') !== undefined,
  };
  return faults.length === 0 ? { config, faults: [] } : { faults };
}

/**
 * Runs both steps with the real environment and file system.
 * @throws ConfigError with every fault
 */
export function loadConfig(env: Environment = process.env): Config {
  const read = readEnv(env, (path) => readFileSync(path, 'utf8'));
  const checked = configFrom(read.raw);
  // If a variable's file could not be read, don't also report the variable as missing.
  const told = new Set(read.faults.map(({ variable }) => variable.replace(/_FILE$/, '')));
  const faults = [...read.faults, ...checked.faults.filter(({ variable }) => !told.has(variable))];
  if (checked.config === undefined || faults.length > 0) throw new ConfigError(faults);
  return checked.config;
}

function metricsAt(host: string, at: number | undefined): Config['metrics'] {
  return at === undefined ? null : { host, port: at };
}

function isRange(text: string): boolean {
  const [address = '', prefix, more] = text.split('/');
  const family = isIP(address);
  if (family === 0 || more !== undefined) return false;
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (family === 6 ? 128 : 32));
}

function listOf(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

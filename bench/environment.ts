/** The environment of Ferry's programs whose desks are on this machine. `loadConfig` reads a configuration from it. */
import type { LogLevel } from '#config/env.ts';

export type Surroundings = {
  readonly databaseUrl: string;
  readonly temporal: { readonly address: string; readonly namespace: string };
  /** 32 bytes. */
  readonly secretKey: Buffer;
  /** 32 bytes. If absent, contents are not encrypted. */
  readonly contentKey?: Buffer | undefined;
  readonly blobs: string;
  readonly log: LogLevel;
  /** If absent, the gateway is unreachable from outside and has no API. */
  readonly publicUrl?: string | undefined;
  /** If absent, a free port. */
  readonly port?: number;
  /** Lifts the limits on peers and clients, since the benchmark measures how much they can get. Default true. */
  readonly unlimited?: boolean;
};

export function programEnv({
  databaseUrl,
  temporal,
  secretKey,
  contentKey,
  blobs,
  log,
  publicUrl,
  port = 0,
  unlimited = true,
}: Surroundings): Record<string, string> {
  return {
    DATABASE_URL: databaseUrl,
    TEMPORAL_ADDRESS: temporal.address,
    TEMPORAL_NAMESPACE: temporal.namespace,
    FERRY_SECRET_KEY: secretKey.toString('base64'),
    ...(contentKey === undefined ? {} : { FERRY_CONTENT_KEY: contentKey.toString('base64') }),
    FERRY_BLOBS: blobs,
    FERRY_ALLOW_ADDRESSES: '127.0.0.0/8',
    FERRY_LOG: log,
    ...(unlimited ? { FERRY_LIMITS: 'requests=1000000,actions=1000000,bodyMiB=100000,waiting=10000000' } : {}),
    FERRY_PORT: String(port),
    ...(publicUrl === undefined ? {} : { FERRY_PUBLIC_URL: publicUrl }),
  };
}

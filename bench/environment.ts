/** The environment of Ferry's programs whose desks are on this machine; `loadConfig` makes a configuration of it. */
import type { LogLevel } from '#config/env.ts';

export type Surroundings = {
  readonly databaseUrl: string;
  readonly temporal: { readonly address: string; readonly namespace: string };
  /** 32 bytes. */
  readonly secretKey: Buffer;
  /** 32 bytes; absent: contents are kept as they are. */
  readonly contentKey?: Buffer | undefined;
  readonly blobs: string;
  readonly log: LogLevel;
  /** Absent: reached from nowhere, with no API. */
  readonly publicUrl?: string | undefined;
  /** Absent: one that is free. */
  readonly port?: number;
  /** Peers and clients may ask for as much as they like: what is measured is how much that is. Default true. */
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

/** The connection to Temporal, in the form that both of its clients accept. */
import type { TlsSettings } from './tls.ts';

export type TemporalSettings = {
  /** host:port */
  readonly address: string;
  readonly namespace: string;
  /** If absent, no TLS. `{}` trusts the operating system's authorities and sends no certificate. */
  readonly tls?: TlsSettings & { readonly serverName?: string };
  readonly apiKey?: string;
};

export type TemporalConnectionOptions = {
  readonly address: string;
  readonly tls?: {
    readonly serverNameOverride?: string;
    readonly serverRootCACertificate?: Buffer;
    readonly clientCertPair?: { readonly crt: Buffer; readonly key: Buffer };
  };
  readonly apiKey?: string;
};

export function temporalConnection({ address, tls, apiKey }: TemporalSettings): TemporalConnectionOptions {
  return {
    address,
    ...(apiKey === undefined ? {} : { apiKey }),
    ...(tls === undefined
      ? {}
      : {
          tls: {
            ...(tls.serverName === undefined ? {} : { serverNameOverride: tls.serverName }),
            ...(tls.ca === undefined ? {} : { serverRootCACertificate: Buffer.from(tls.ca) }),
            ...(tls.client === undefined
              ? {}
              : { clientCertPair: { crt: Buffer.from(tls.client.cert), key: Buffer.from(tls.client.key) } }),
          },
        }),
  };
}

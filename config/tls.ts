/** Checks the certificates and keys in the settings, before anything connects with them. */
import { createPrivateKey, X509Certificate } from 'node:crypto';

/** PEM each; absent if not set. */
export type TlsSettings = {
  /** The trusted authorities, one or several certificates; if absent, those of the operating system. */
  readonly ca?: string;
  /** Our own certificate, its intermediates after it, and its private key. */
  readonly client?: { readonly cert: string; readonly key: string };
};

export type TlsFault = { readonly variable: string; readonly problem: string; readonly fix: string };

type Given = { readonly ca: string | undefined; readonly cert: string | undefined; readonly key: string | undefined };

/** Reads them. @param prefix of the variables' names, for instance `DATABASE_TLS` @returns null if none of them is set */
export function tlsFrom(
  prefix: string,
  { ca, cert, key }: Given,
): { readonly tls: TlsSettings | null; readonly faults: readonly TlsFault[] } {
  const faults: TlsFault[] = [];
  const bad = (name: string, problem: string, fix: string): void =>
    void faults.push({ variable: `${prefix}_${name}`, problem, fix });
  if (ca !== undefined && certificateIn(ca) === null)
    bad('CA', 'contains no certificate', 'set it to certificates as PEM, or name their file with _FILE');
  const own = cert === undefined ? null : certificateIn(cert);
  if (cert !== undefined && own === null)
    bad('CERT', 'contains no certificate', 'set it to a certificate as PEM, or name its file with _FILE');
  if (cert !== undefined && key === undefined)
    bad('KEY', 'is not set', `set it to the private key of ${prefix}_CERT as PEM`);
  if (cert === undefined && key !== undefined)
    bad('CERT', 'is not set', `set it to the certificate of ${prefix}_KEY as PEM`);
  if (key !== undefined && cert !== undefined) {
    const fits = own === null ? null : isKeyOf(key, own);
    if (fits === 'unreadable')
      bad('KEY', 'contains no private key without a passphrase', 'set it to a private key as PEM');
    else if (fits === 'another') bad('KEY', `does not belong to ${prefix}_CERT`, 'set both from the same pair');
  }
  if ([ca, cert, key].every((text) => text === undefined)) return { tls: null, faults };
  return {
    faults,
    tls: {
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined || key === undefined ? {} : { client: { cert, key } }),
    },
  };
}

function certificateIn(pem: string): X509Certificate | null {
  try {
    return new X509Certificate(pem);
  } catch {
    return null;
  }
}

function isKeyOf(pem: string, certificate: X509Certificate): 'yes' | 'another' | 'unreadable' {
  try {
    return certificate.checkPrivateKey(createPrivateKey(pem)) ? 'yes' : 'another';
  } catch {
    return 'unreadable';
  }
}

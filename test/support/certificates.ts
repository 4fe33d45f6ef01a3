// Certificates for tests, created by openssl: an authority and the certificates it signs.
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { tempDir } from './temp.ts';

const openssl = promisify(execFile);

export type Pair = { readonly cert: string; readonly key: string };

export type Authority = {
  /** Its own certificate, PEM. */
  readonly ca: string;
  /** @param alternative `DNS:localhost,IP:127.0.0.1`; for a client nothing @returns PEM */
  sign(commonName: string, alternative?: string, days?: number): Promise<Pair>;
  remove(): Promise<void>;
};

export async function makeAuthority(name = 'Test authority'): Promise<Authority> {
  const folder = await tempDir();
  const at = (file: string): string => join(folder.path, file);
  const run = (...args: string[]): Promise<unknown> => openssl('openssl', args, { cwd: folder.path });
  const elliptic = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  await run('req', '-x509', ...elliptic, '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '2', '-subj', `/CN=${name}`);
  let number = 0;
  return {
    ca: await readFile(at('ca.pem'), 'utf8'),
    async sign(commonName, alternative, days = 2) {
      const file = `signed-${(number += 1)}`;
      const more = alternative === undefined ? [] : ['-addext', `subjectAltName=${alternative}`];
      await run(
        'req',
        ...elliptic,
        '-keyout',
        `${file}.key`,
        '-out',
        `${file}.csr`,
        '-subj',
        `/CN=${commonName}`,
        ...more,
      );
      // Without an extension it would be of version 1, which not everybody reads.
      await writeFile(
        at(`${file}.ext`),
        `basicConstraints=CA:FALSE\n${more
          .slice(1)
          .map((line) => `${line}\n`)
          .join('')}`,
      );
      await run(
        ...['x509', '-req', '-in', `${file}.csr`, '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial'],
        ...['-days', String(days), '-extfile', `${file}.ext`, '-out', `${file}.pem`],
      );
      return { cert: await readFile(at(`${file}.pem`), 'utf8'), key: await readFile(at(`${file}.key`), 'utf8') };
    },
    remove: () => folder.remove(),
  };
}

/** The real things that applying a links file needs, for the command and for whoever applies one by itself (the demo). */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { openSecret, sealSecret } from '#config/secrets.ts';
import { manifestOf, manifests } from '#connectors/index.ts';
import type { Client } from '#db/base/client.ts';
import { createCatalogueReader } from './catalogue.ts';
import type { ApplyDeps } from '#operate/apply/types.ts';

export type ApplySetting = {
  readonly db: Client;
  /** 32 bytes each; the first seals, all open. */
  readonly secretKeys: readonly Uint8Array[];
  /** CIDR ranges of private addresses that helpdesks may have. */
  readonly allowAddresses: readonly string[];
  /** Where `{env: NAME}` looks. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where relative names of secret files start. */
  readonly folder: string;
};

export type OwnedApplyDeps = { readonly deps: ApplyDeps; close(): Promise<void> };

/** Close it, else open sockets keep the process alive. */
export function createApplyDeps(setting: ApplySetting): OwnedApplyDeps {
  const [key] = setting.secretKeys;
  if (key === undefined) throw new Error('there is no key to seal secrets with');
  const reader = createCatalogueReader(setting.allowAddresses);
  return {
    deps: {
      db: setting.db,
      types: manifests.map(({ type }) => type),
      rulesOf: manifestOf,
      readCatalogue: reader.read,
      seal: (plain, context) => sealSecret(plain, context, key),
      open: (sealed, context) => openSecret(sealed, context, setting.secretKeys),
      env: setting.env,
      readSecretFile: (name) => readFile(resolve(setting.folder, name), 'utf8'),
    },
    close: () => reader.close(),
  };
}

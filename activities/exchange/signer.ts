/** Signs what our instances send, with their own keys. */
import { startClock } from '#connectors/contract/not-after.ts';
import { signConstant } from '#protocols/ferry/provenance.ts';
import type { Db } from '#db/base/client.ts';
import { ensureKeys, publicKeys, signingKey, type Open, type Seal, type SigningKey } from '#db/links/keys.ts';
import type { Signer } from '#activities/deps.ts';

export type SignerDeps = { readonly db: Db; readonly seal: Seal; readonly open: Open };

/** A retired key keeps signing for at most this long. In milliseconds. */
const freshMs = 2_000;

type Kept = { readonly age: () => number; readonly key: Promise<SigningKey & { readonly x: string }> };

export function createSigner({ db, seal, open }: SignerDeps): Signer {
  const kept = new Map<string, Kept>();
  const read = async (instance: string): Promise<SigningKey & { readonly x: string }> => {
    await ensureKeys(db, seal, instance);
    const key = await signingKey(db, open, instance, 'provenance');
    const jwk = (await publicKeys(db, instance)).find(({ kid }) => kid === key.kid);
    const x = jwk?.['x'];
    if (typeof x !== 'string') throw new Error(`the key ${key.kid} of ${instance} is not published`);
    return { ...key, x };
  };
  return {
    async sign(instance, issuer, text) {
      let known = kept.get(instance);
      if (known === undefined || known.age() > freshMs) {
        known = { age: startClock(), key: read(instance) };
        kept.set(instance, known);
        known.key.catch(() => kept.delete(instance));
      }
      const { kid, key, x } = await known.key;
      return { signature: await signConstant(text, issuer, { kid, key }), key: { kty: 'OKP', crv: 'Ed25519', x, kid } };
    },
  };
}

/** Proves who wrote what on a ticket, by the stored signatures, through any number of hops. */
import { HelpdeskError } from '#connectors/contract/errors.ts';
import { issuerOf, type Directory } from '#core/words/directory.ts';
import type { Db } from '#db/base/client.ts';
import { loadDirectory } from '#db/exchange/directory.ts';
import { keysOf, type OriginKey } from '#db/exchange/origin-keys.ts';
import { saidOn, type Said } from '#db/operate/said.ts';
import { findTicket } from '#db/operate/trace.ts';
import { assertInstance } from '#operate/known.ts';
import { publicUrlOf, type PeerOperator } from '#operate/operator.ts';
import { Refused } from '#operate/refused.ts';
import { allow, everywhere } from '#operate/rights.ts';
import { judge, type Judgement } from './judge.ts';

export type Verified = Judgement & {
  readonly said: Said;
  /** Issuer URL. */
  readonly origin: string;
  /** The gateways that it passed after its origin. */
  readonly hops: readonly string[];
  /** Whether the origin still publishes the key. This is not the proof; the stored key is. Null if the origin was not asked. */
  readonly published: 'yes' | 'no' | 'another' | 'unanswered' | null;
};

/**
 * Verifies every action of a ticket and of its mirrors.
 * @param options.offline uses no network
 * @throws Refused unknown-instance, unknown-ticket, no-public-url
 */
export async function verify(
  operator: PeerOperator,
  instance: string,
  ticket: string,
  options: { readonly offline?: boolean } = {},
): Promise<Verified[]> {
  allow(operator, 'verify', everywhere);
  const { db, peers } = operator;
  await assertInstance(db, instance);
  const directory = await loadDirectory(db, publicUrlOf(operator));
  const found = await findTicket(db, instance, ticket);
  const all = found === null ? [] : await saidOn(db, found);
  if (all.length === 0)
    throw new Refused(
      'unknown-ticket',
      'unknown',
      `nothing is stored of ticket "${ticket}" of ${instance}; it was not carried, or was purged`,
    );
  const sets = options.offline === true ? null : createSets((origin) => peers.publishedKeys(origin));
  const verified: Verified[] = [];
  for (const said of all) {
    const found = await judge(said, directory, (origin, kid) => keysOf(db, origin, kid), peers.signatures);
    const origin = issuerOf(directory, said.origin);
    const asked = found.verdict === 'holds' || found.verdict === 'vouched' ? found.kid : null;
    const published =
      asked === null || sets === null ? null : await sets.says(origin, asked, await used(db, origin, found));
    verified.push({
      ...found,
      // Meanwhile, the origin itself publishes this key.
      ...(found.verdict === 'vouched' && published === 'yes' ? { verdict: 'holds' as const, why: null } : {}),
      said,
      origin,
      hops: hopsOf(said, directory),
      published,
    });
  }
  return verified;
}

async function used(db: Db, origin: string, { kid, vouchedBy }: Judgement): Promise<OriginKey['key'] | undefined> {
  const known = kid === null ? [] : await keysOf(db, origin, kid);
  return known.find((one) => one.vouchedBy === vouchedBy)?.key;
}

function hopsOf({ via, origin }: Said, directory: Directory): string[] {
  const [from, ...hops] = new Set([origin, ...via].map((hop) => issuerOf(directory, hop)));
  return from === undefined ? [] : hops;
}

/** Asks each origin only once. */
function createSets(read: (origin: string) => Promise<unknown>) {
  const asked = new Map<string, Promise<readonly Record<string, unknown>[] | null>>();
  const keysAt = async (origin: string): Promise<readonly Record<string, unknown>[] | null> => {
    try {
      const { keys } = (await read(origin)) as { keys?: unknown };
      return Array.isArray(keys) ? (keys as Record<string, unknown>[]) : null;
    } catch (error) {
      if (error instanceof HelpdeskError) return null;
      throw error;
    }
  };
  return {
    async says(
      origin: string,
      kid: string,
      kept: Readonly<Record<string, unknown>> | undefined,
    ): Promise<NonNullable<Verified['published']>> {
      const keys = asked.get(origin) ?? keysAt(origin);
      asked.set(origin, keys);
      const set = await keys;
      if (set === null) return 'unanswered';
      const found = set.find((key) => key['kid'] === kid);
      if (found === undefined) return 'no';
      return found['x'] === kept?.['x'] ? 'yes' : 'another';
    },
  };
}

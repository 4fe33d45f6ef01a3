/** How the other gateways are called: one client per link, kept until the link's credentials change. */
import type { WireLink } from '#core/wire.ts';
import { startClock } from '#connectors/contract/not-after.ts';
import type { HttpClient } from '#connectors/contract/http.ts';
import { HelpdeskError } from '#connectors/contract/errors.ts';
import { createPeerClient, type PeerClient } from '#protocols/ferry/client.ts';
import type { TokenSource } from '#protocols/ferry/tokens.ts';
import type { Db } from '#db/base/client.ts';
import { loadPeer, type PeerRow } from '#db/links/peers.ts';
import { createRetryAfter } from '#activities/desk/retry-after.ts';

export type Peer = {
  readonly link: string;
  /** Our instance, which speaks. */
  readonly instance: string;
  readonly issuer: string;
  readonly client: PeerClient;
  /** What it takes, as far as it has said. */
  readonly limits: WireLink['limits'] | null;
};

export type Peers = {
  /** Throws HelpdeskError where the link has no peer, or the peer asked to be left alone. */
  of(link: string): Promise<Peer>;
};

export type PeersDeps = {
  readonly db: Db;
  readonly http: HttpClient;
  /** Tokens of our instance at the peer. */
  tokensFor(peer: Pick<PeerRow, 'issuer' | 'clientId' | 'instance' | 'dpop'>, http: HttpClient): TokenSource;
};

/** A link's row is looked at again after this long, so that a change acts within it. Milliseconds. */
const freshMs = 1_000;

type Kept = { readonly key: string; readonly peer: Peer; readonly check: () => void; readonly age: () => number };

export function createPeers(deps: PeersDeps): Peers {
  const kept = new Map<string, Kept>();
  const refresh = async (link: string): Promise<Kept> => {
    const age = startClock();
    const row = await loadPeer(deps.db, link);
    if (row === null) throw new HelpdeskError('refused', 'no-peer', `The link "${link}" has no peer. Pair it again.`);
    const limits = row.said?.limits ?? null;
    const key = JSON.stringify([row.api, row.issuer, row.clientId, row.instance, row.dpop, limits]);
    const known = kept.get(link);
    if (known?.key === key) {
      const again = { ...known, age };
      kept.set(link, again);
      return again;
    }
    const { http, check } = createRetryAfter(deps.http, row.issuer);
    const tokens = deps.tokensFor(row, http);
    const { api, issuer, instance } = row;
    const client = createPeerClient({ api, issuer, tokens, http, files: deps.http });
    const made: Kept = { key, check, age, peer: { link, instance, issuer, client, limits } };
    kept.set(link, made);
    return made;
  };
  return {
    async of(link) {
      const known = kept.get(link);
      const fresh = known !== undefined && known.age() < freshMs;
      const { check, peer } = fresh ? known : await refresh(link);
      check();
      return peer;
    },
  };
}

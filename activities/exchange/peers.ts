/** Creates the clients for other gateways: one per link, kept until the link's credentials change. */
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
  /** Our instance, on whose behalf calls are made. */
  readonly instance: string;
  readonly issuer: string;
  readonly client: PeerClient;
  /** What it accepts, if it has said so. */
  readonly limits: WireLink['limits'] | null;
};

export type Peers = {
  /** Throws HelpdeskError if the link has no peer, or if the peer asked for a pause. */
  of(link: string): Promise<Peer>;
};

export type PeersDeps = {
  readonly db: Db;
  readonly http: HttpClient;
  /** Tokens of our instance for the peer. */
  tokensFor(peer: Pick<PeerRow, 'issuer' | 'clientId' | 'instance' | 'dpop'>, http: HttpClient): TokenSource;
};

/** A link's row is read again after this long, so that changes take effect within it. Milliseconds. */
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

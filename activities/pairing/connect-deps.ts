/** The dependencies of the pairing's activities. */
import type { HttpClient } from '#connectors/contract/http.ts';
import { readIdentity, type Identity } from '#protocols/ferry/identity.ts';
import { createLinkCalls, type LinkCalls } from '#protocols/ferry/link-calls.ts';
import { checkPeerUrl } from '#protocols/ferry/peer-url.ts';
import { createTokenSource } from '#protocols/ferry/tokens.ts';
import type { Client } from '#db/base/client.ts';
import { signingKey, type Open, type Seal } from '#db/links/keys.ts';
import type { PeerRow } from '#db/links/peers.ts';
import type { Wake } from '#db/carry/couriers.ts';
import type { Log } from '#activities/deps.ts';

export type ConnectDeps = {
  readonly db: Client;
  readonly http: HttpClient;
  /** The URL at which others reach this gateway; without one nothing is paired. */
  readonly publicUrl: string | undefined;
  /** CIDR ranges that are allowed although they are not public. */
  readonly allowAddresses: readonly string[];
  readonly seal: Seal;
  readonly open: Open;
  readonly wake: Wake;
  readonly log: Log;
};

/** Checks the URL, then reads the identity of the gateway there; throws HelpdeskErrors. */
export async function identify(
  deps: Pick<ConnectDeps, 'http' | 'allowAddresses'>,
  issuer: string,
  signal: AbortSignal,
): Promise<Identity> {
  await checkPeerUrl(issuer, { allowAddresses: deps.allowAddresses });
  return readIdentity(deps.http, issuer, signal);
}

export function callsOf(
  deps: Pick<ConnectDeps, 'db' | 'http' | 'open'>,
  peer: Pick<PeerRow, 'api' | 'issuer' | 'clientId' | 'dpop' | 'instance'>,
): LinkCalls {
  const { api, issuer, clientId, dpop, instance } = peer;
  const tokens = createTokenSource({
    issuer,
    clientId,
    dpop,
    http: deps.http,
    signingKey: () => signingKey(deps.db, deps.open, instance, 'client'),
  });
  return createLinkCalls({ api, http: deps.http, tokens });
}

/** What commands about links need: the database, keys to seal and open secrets with, and the way out to the other side. */
import { openSecret, sealSecret } from '#config/secrets.ts';
import { createHttpClient, type OwnedHttpClient } from '#connectors/kit/http.ts';
import { createLinkCalls, type LinkCalls } from '#protocols/ferry/link-calls.ts';
import { createPeerClient, type PeerClient } from '#protocols/ferry/client.ts';
import { createTokenSource } from '#protocols/ferry/tokens.ts';
import { suggestion } from '#core/words/nearest.ts';
import type { Client } from '#db/base/client.ts';
import { signingKey, type Open, type Seal } from '#db/links/keys.ts';
import { knownLinks, loadLink, type LinkRow } from '#db/links/link-life.ts';
import type { PeerRow } from '#db/links/peers.ts';
import { knownInstances } from '#db/operate/trace.ts';
import { findContext, withDatabase, type GlobalOptions } from '#cli/context.ts';
import type { CliDeps } from '#cli/deps.ts';
import { CliError, exitCodes } from '#cli/errors.ts';

export type LinkTools = {
  readonly db: Client;
  readonly deps: CliDeps;
  readonly seal: Seal;
  readonly open: Open;
  readonly allowAddresses: readonly string[];
  /** Throws CliError where this gateway has none. */
  publicUrl(): string;
  http(): OwnedHttpClient;
  calls(peer: PeerRow): LinkCalls;
  peer(peer: PeerRow): PeerClient;
};

/** @param needs.secrets whether secrets are sealed or opened, or the other side is called */
export async function withLinks<Result>(
  options: GlobalOptions,
  deps: CliDeps,
  needs: { readonly secrets: boolean },
  use: (tools: LinkTools) => Promise<Result>,
): Promise<Result> {
  const context = await findContext(options, deps, needs);
  return withDatabase(context, async ({ db }) => {
    let http: OwnedHttpClient | null = null;
    const open: Open = (sealed, place) => openSecret(sealed, place, context.secretKeys);
    const ownHttp = (): OwnedHttpClient => {
      http ??= createHttpClient({ allow: { http: 'private', privateAddresses: [...context.allowAddresses] } });
      return http;
    };
    const tokens = ({ issuer, clientId, dpop, instance }: PeerRow): ReturnType<typeof createTokenSource> =>
      createTokenSource({
        issuer,
        clientId,
        dpop,
        http: ownHttp(),
        signingKey: () => signingKey(db, open, instance, 'client'),
      });
    try {
      return await use({
        db,
        deps,
        seal: (plain, place) => {
          const [key] = context.secretKeys;
          if (key === undefined) throw new Error('there is no key to seal secrets with');
          return sealSecret(plain, place, key);
        },
        open,
        allowAddresses: context.allowAddresses,
        publicUrl: () => {
          if (context.publicUrl !== undefined) return context.publicUrl;
          throw new CliError(
            'no-public-url',
            exitCodes.config,
            'this gateway has no public URL, so nobody could call it; set FERRY_PUBLIC_URL to the URL at which others reach it, for gateway, worker and this command, and start them again',
          );
        },
        http: ownHttp,
        calls: (peer) => createLinkCalls({ api: peer.api, http: ownHttp(), tokens: tokens(peer) }),
        peer: (peer) => createPeerClient({ api: peer.api, issuer: peer.issuer, http: ownHttp(), tokens: tokens(peer) }),
      });
    } finally {
      await (http as OwnedHttpClient | null)?.close();
    }
  });
}

export async function linkOrFail(db: Client, id: string): Promise<LinkRow> {
  const link = await loadLink(db, id);
  if (link !== null) return link;
  const known = await knownLinks(db);
  throw new CliError(
    'unknown-link',
    exitCodes.no,
    `there is no link "${id}". ${known.length === 0 ? 'None is set up yet, see ferry apply and ferry link invite.' : suggestion(id, known)}`,
  );
}

/** An instance that this gateway drives. */
export async function localInstanceOrFail(db: Client, id: string): Promise<void> {
  const known = await knownInstances(db);
  if (!known.includes(id))
    throw new CliError(
      'unknown-instance',
      exitCodes.no,
      `there is no instance "${id}". ${known.length === 0 ? 'Set up your helpdesk first, see ferry apply.' : suggestion(id, known)}`,
    );
}

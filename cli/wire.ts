/**
 * Wires a command's dependencies: the database, the operator, and the connections to helpdesks and other gateways. Besides
 * main.ts, the only file of the command line that imports more than operate.
 */
import { openBlobStore, type BlobStore } from '#blobs/store.ts';
import { temporalAnswers } from '#config/temporal-answers.ts';
import type { OwnedHttpClient } from '#connectors/kit/http.ts';
import { connect } from '#db/base/client.ts';
import { assertContentKeys } from '#db/base/content-keys.ts';
import { assertSchema, migrate } from '#db/base/migrate.ts';
import { signingKey } from '#db/links/keys.ts';
import type { PeerRow } from '#db/links/peers.ts';
import { checkOf, deskOf, desksOf, helpdesksOf } from '#operate/apply/helpdesks.ts';
import { findConfig, type Found } from '#operate/find.ts';
import {
  createOperator,
  unlimited,
  type CheckOperator,
  type DeskOperator,
  type HelpdeskOperator,
  type Operator,
  type PeerOperator,
  type Peers,
  type PreviewOperator,
} from '#operate/operator.ts';
import type { CliDeps, GlobalOptions } from './deps.ts';
import { nameOf } from './who.ts';

type Needs = {
  /** Whether the command seals or opens secrets, or calls the other side. */
  readonly secrets: boolean;
};

type Opened = { readonly operator: Operator; readonly found: Found; http(): Promise<OwnedHttpClient> };

/** For commands that only need the database. */
export async function withOperator<Result>(
  options: GlobalOptions,
  deps: CliDeps,
  use: (operator: Operator) => Promise<Result>,
  needs: Needs = { secrets: false },
): Promise<Result> {
  return opened(options, deps, needs, ({ operator }) => use(operator));
}

/** For commands that ask helpdesks. @param use receives the running Ferry's variables for links files */
export async function withHelpdesks<Result>(
  options: GlobalOptions,
  deps: CliDeps,
  use: (operator: HelpdeskOperator, variables: Readonly<Record<string, string>>) => Promise<Result>,
): Promise<Result> {
  return opened(options, deps, { secrets: true }, async ({ operator, found, http }) => {
    const { createHelpdesk, manifestOf, manifests } = await import('#connectors/index.ts');
    const helpdesks = helpdesksOf({ createHelpdesk, manifestOf, manifests, http: await http() });
    return use({ ...operator, helpdesks }, found.variables);
  });
}

/** For commands that preview: with the code that carries, of which nothing is kept. */
export async function withPreview<Result>(
  options: GlobalOptions,
  deps: CliDeps,
  use: (operator: PreviewOperator, variables: Readonly<Record<string, string>>) => Promise<Result>,
): Promise<Result> {
  return opened(options, deps, { secrets: true }, async ({ operator, found, http }) => {
    const [connectors, { createWouldOf }, { createReadTicket }, { createTexts }] = await Promise.all([
      import('#connectors/index.ts'),
      import('#activities/exchange/would.ts'),
      import('#activities/watch/read-ticket.ts'),
      import('#text-worker/texts.ts'),
    ]);
    const wired = { ...connectors, http: await http() };
    const of = desksOf(operator, deskOf(wired));
    const texts = createTexts();
    const { db, publicUrl } = operator;
    try {
      const wouldOf = createWouldOf({ db, texts, publicUrl, of });
      const readTicket = createReadTicket({ texts, of });
      return await use({ ...operator, helpdesks: helpdesksOf(wired), wouldOf, readTicket }, found.variables);
    } finally {
      await texts.close();
    }
  });
}

/** For the command that checks a helpdesk. */
export async function withCheck<Result>(
  options: GlobalOptions,
  deps: CliDeps,
  use: (operator: CheckOperator) => Promise<Result>,
): Promise<Result> {
  return opened(options, deps, { secrets: true }, async ({ operator, http }) => {
    const { manifestOf } = await import('#connectors/index.ts');
    return use({ ...operator, checkOf: checkOf({ manifestOf, http: await http() }) });
  });
}

/** For commands that read tickets. */
export async function withDesks<Result>(
  options: GlobalOptions,
  deps: CliDeps,
  use: (operator: DeskOperator) => Promise<Result>,
): Promise<Result> {
  return opened(options, deps, { secrets: true }, async ({ operator, http }) => {
    const { createHelpdesk } = await import('#connectors/index.ts');
    return use({ ...operator, deskOf: deskOf({ createHelpdesk, http: await http() }) });
  });
}

/** For commands that speak with other gateways. */
export async function withPeers<Result>(
  options: GlobalOptions,
  deps: CliDeps,
  use: (operator: PeerOperator) => Promise<Result>,
  needs: Needs = { secrets: true },
): Promise<Result> {
  return opened(options, deps, needs, async ({ operator, found, http }) =>
    use({ ...operator, peers: await peersOf(operator, found, await http()) }),
  );
}

/** Returns host:port of Temporal, or null if it is unknown, and whether Temporal answers. */
export type Temporal = { readonly address: string | null; readonly state: 'up' | 'down' };

export async function lookAtTemporal(options: GlobalOptions, deps: CliDeps): Promise<Temporal> {
  const { temporalAddress: address } = await find(options, deps, { secrets: false });
  return { address, state: address !== null && (await temporalAnswers(address)) ? 'up' : 'down' };
}

/** Seals files with the first key of FERRY_CONTENT_KEY, in the directory that gateways and workers share. */
export async function resealFiles(options: GlobalOptions, deps: CliDeps): ReturnType<BlobStore['reseal']> {
  const { blobs, contentKeys } = await find(options, deps, { secrets: false });
  return (await openBlobStore(blobs, contentKeys)).reseal();
}

/** Migrates. @returns the roles that received their rights on the tables, without the owner */
export async function migrateDatabase(options: GlobalOptions, deps: CliDeps): Promise<readonly string[]> {
  const { databaseUrl, databaseOwnerUrl, databaseTls } = await find(options, deps, { secrets: false });
  return databaseOwnerUrl === undefined
    ? migrate(databaseUrl, undefined, databaseTls)
    : migrate(databaseOwnerUrl, decodeURIComponent(new URL(databaseUrl).username), databaseTls);
}

function find(options: GlobalOptions, deps: CliDeps, needs: Needs): Promise<Found> {
  return findConfig(options, deps.env, deps.findRunning, needs);
}

/** Opens the database while `use` runs, and requires this version's schema. */
async function opened<Result>(
  options: GlobalOptions,
  deps: CliDeps,
  needs: Needs,
  use: (opened: Opened) => Promise<Result>,
): Promise<Result> {
  const name = nameOf(options.by, deps);
  const found = await find(options, deps, needs);
  const connection = connect(found.databaseUrl, {
    max: 4,
    name: 'ferry-cli',
    tls: found.databaseTls,
    contentKeys: found.contentKeys,
  });
  let http: OwnedHttpClient | null = null;
  try {
    await assertSchema(connection.sql);
    await assertContentKeys(connection.sql, connection.sealer);
    const actor = unlimited({ kind: 'cli', id: deps.account(), name });
    const operator = createOperator({ ...found, db: connection.db, sealer: connection.sealer, actor });
    return await use({
      operator,
      found,
      // Loaded on demand, so that `ferry status` does not wait for it.
      async http() {
        const { createHttpClient } = await import('#connectors/kit/http.ts');
        http ??= createHttpClient({ allow: { http: 'private', privateAddresses: [...found.allowAddresses] } });
        return http;
      },
    });
  } finally {
    await (http as OwnedHttpClient | null)?.close();
    await connection.close();
  }
}

async function peersOf({ db, open }: Operator, found: Found, http: OwnedHttpClient): Promise<Peers> {
  const [{ createLinkCalls }, { createPeerClient }, { createTokenSource }, { checkPeerUrl }, fetching, signed] =
    await Promise.all([
      import('#protocols/ferry/link-calls.ts'),
      import('#protocols/ferry/client.ts'),
      import('#protocols/ferry/tokens.ts'),
      import('#protocols/ferry/peer-url.ts'),
      import('#protocols/ferry/fetch-json.ts'),
      import('#protocols/ferry/provenance.ts'),
    ]);
  const tokens = ({ issuer, clientId, dpop, instance }: PeerRow): ReturnType<typeof createTokenSource> =>
    createTokenSource({
      issuer,
      clientId,
      dpop,
      http,
      signingKey: () => signingKey(db, open, instance, 'client'),
    });
  return {
    calls(peer) {
      const { api, issuer } = peer;
      const client = createPeerClient({ api, issuer, http, tokens: tokens(peer) });
      const calls = createLinkCalls({ api, http, tokens: tokens(peer) });
      return { link: client.link, lanes: client.lanes, close: calls.close };
    },
    checkUrl: (issuer) => checkPeerUrl(issuer, { allowAddresses: found.allowAddresses }),
    publishedKeys: (origin) => fetching.fetchJson(http, `${origin}/jwks.json`),
    signatures: signed,
  };
}

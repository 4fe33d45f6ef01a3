/**
 * The activities of a pairing. Each receives the pairing and its run, and does nothing once another run has begun.
 * Results are stored in the pairing's row, which the waiting terminal reads.
 */
import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { Context } from '@temporalio/activity';
import { HelpdeskError } from '#connectors/contract/errors.ts';
import { partsOfIssuer, peerIdOf } from '#core/words/directory.ts';
import { handInCode, signPairingProof } from '#protocols/ferry/pairing.ts';
import { reason } from '#core/words/reasons.ts';
import type { Reason } from '#core/words/vocabulary.ts';
import { wireVersion, type WirePaired } from '#core/wire.ts';
import { saveCatalogue } from '#db/settings/apply-links.ts';
import { loadInstance } from '#db/settings/instances.ts';
import { ensureKeys, signingKey } from '#db/links/keys.ts';
import { createPeerLink, LinkError, loadLink, notePairing, setLinkState } from '#db/links/link-life.ts';
import { pairingHash } from '#db/links/pairing-code.ts';
import {
  codeContext,
  endPairing,
  forgetCode,
  loadPairing,
  saveCheck,
  saveChecks,
  type Check,
  type Pairing,
} from '#db/links/pairings.ts';
import { loadPeer, savePeerSaid, sidesOf } from '#db/links/peers.ts';
import { latestCatalogues } from '#db/settings/settings.ts';
import { callsOf, identify, type ConnectDeps } from './connect-deps.ts';
import { checkNames, runChecks } from './connect-checks.ts';
import { plainFailure } from '#activities/plain-failure.ts';

export type ConnectActivities = {
  /** Returns the milliseconds that are left; null if there is nothing to do. */
  connectBegin(pairing: string, run: string): Promise<number | null>;
  /** Hands in the code; returns true at once if that was done before, false if it failed for good. */
  connectExchange(pairing: string, run: string): Promise<boolean>;
  connectCheck(pairing: string, run: string): Promise<void>;
  /** Asks for the other side's results; true once they are here. */
  connectCompare(pairing: string, run: string): Promise<boolean>;
  connectFinish(pairing: string, run: string): Promise<void>;
  connectExpire(pairing: string, run: string): Promise<void>;
};

/** Attempts at a peer that does not answer, before the failure is reported. */
const tries = 4;

export function createConnectActivities(deps: ConnectDeps): ConnectActivities {
  const current = async (id: string, run: string): Promise<Pairing | null> => {
    const row = await loadPairing(deps.db, id);
    return row !== null && row.run === run && row.state === 'pairing' ? row : null;
  };
  const plain =
    <Args extends string[], Result>(work: (...args: Args) => Promise<Result>) =>
    async (...args: Args): Promise<Result> => {
      try {
        return await work(...args);
      } catch (error) {
        deps.log.warn({ err: error }, 'an activity of a pairing failed; Temporal will retry it');
        throw plainFailure(error);
      }
    };
  return {
    connectBegin: plain(async (id, run) => {
      const row = await current(id, run);
      return row === null ? null : Math.max(0, Date.parse(row.expiresAt) - Date.now());
    }),
    connectExchange: plain(async (id, run) => {
      const row = await current(id, run);
      if (row === null) return false;
      if (row.code === null) return true;
      return exchange(deps, row, run);
    }),
    connectCheck: plain(async (id, run) => {
      const row = await current(id, run);
      if (row !== null) await check(deps, row, run);
    }),
    connectCompare: plain(async (id, run) => {
      const row = await current(id, run);
      return row === null || !row.asks || (await compare(deps, row, run));
    }),
    connectFinish: plain(async (id, run) => {
      const row = await current(id, run);
      if (row !== null) await finish(deps, row, run);
    }),
    connectExpire: plain(async (id, run) => {
      await endPairing(deps.db, id, run, 'expired');
    }),
  };
}

async function exchange(deps: ConnectDeps, row: Pairing, run: string): Promise<boolean> {
  const { db } = deps;
  const { link, side, instance, issuer } = row;
  const parts = issuer === null ? null : partsOfIssuer(issuer);
  if (row.code === null || issuer === null || parts === null)
    return fail(deps, row, run, [ours('code', 'The code names no gateway. Ask for a new code.')]);
  if (deps.publicUrl === undefined) return fail(deps, row, run, [ours('code', noPublicUrl)]);
  // Stored in one transaction with the link: after an earlier crash the exchange starts over, after a later one it
  // continues.
  if ((await loadPeer(db, link)) !== null) {
    await forgetCode(db, row.id);
    return true;
  }
  const secret = await deps.open(row.code, codeContext(row.id));
  const own = await loadInstance(db, instance);
  if (own === null) return fail(deps, row, run, [ours('code', `The instance "${instance}" no longer exists.`)]);
  const signal = Context.current().cancellationSignal;
  await ensureKeys(db, deps.seal, instance);
  const ownIssuer = `${deps.publicUrl.replace(/\/{1,50}$/, '')}/i/${instance}`;
  // The same in every attempt, so that the other side recognises a caller that missed its answer.
  const clientId = `${link}-${createHash('sha256').update(run).digest('hex').slice(0, 16)}`;
  let identity;
  let paired: WirePaired;
  try {
    identity = await identify(deps, issuer, signal);
    const { kid, key } = await signingKey(db, deps.open, instance, 'client');
    const proof = { kid, key, issuer: ownIssuer, audience: issuer, codeHash: pairingHash(secret) };
    paired = await handInCode(
      deps.http,
      parts.api,
      {
        code: secret,
        issuer: ownIssuer,
        name: own.name,
        link,
        side,
        clientId,
        contact: row.contact,
        wireVersion,
        proof: await signPairingProof(proof),
      },
      signal,
    );
  } catch (error) {
    if (!(error instanceof HelpdeskError)) throw error;
    const mayPass = error.class === 'retry' || error.class === 'in-doubt' || error.class === 'slow-down';
    if (mayPass && Context.current().info.attempt < tries) throw error;
    return fail(deps, row, run, [exchangeFailure(error, issuer)]);
  }
  if (paired.issuer !== issuer) return fail(deps, row, run, [answeredByAnother(issuer, paired.issuer)]);
  try {
    await db.transaction(async (tx) => {
      await createPeerLink(tx, {
        link,
        side,
        instance,
        far: { id: peerIdOf(parts.instance), issuer, name: row.name ?? paired.name },
        peer: { clientId: paired.clientId, api: parts.api, farLink: paired.link },
        client: { id: clientId, jwksUri: identity.jwksUri, jwks: identity.jwks },
        ownContact: row.contact,
        farContact: paired.contact,
        seal: deps.seal,
        by: row.createdBy,
      });
      await forgetCode(tx, row.id);
    });
  } catch (error) {
    if (!(error instanceof LinkError)) throw error;
    return fail(deps, row, run, halfThere(error));
  }
  return true;
}

function answeredByAnother(issuer: string, answered: string): Check {
  return ours('identity', `The code was issued by ${issuer}, but ${answered} answered. Ask for a new code.`);
}

function halfThere(error: LinkError): readonly Check[] {
  return [
    ours(
      'code',
      `${error.message} The other side has already created its half: close it there with ferry link close, and pair again.`,
    ),
  ];
}

const noPublicUrl =
  'This gateway has no public URL, so nobody can call it. Set FERRY_PUBLIC_URL for gateway and worker, start both again, and accept again.';

function ours(name: string, text: string): Check {
  return { name, direction: 'ours', ok: false, text };
}

/**
 * Turns a failed exchange into a check. The error's code tells who checked whom: what the other side found about us
 * arrives as its refusal.
 */
function exchangeFailure(error: HelpdeskError, issuer: string): Check {
  const { host } = new URL(issuer);
  const { code, message } = error;
  switch (code) {
    case 'code-not-valid':
    case 'too-many-guesses':
    case 'wrong-peer':
    case 'same-side':
    case 'link-taken':
      return ours('code', message);
    case 'peer-unreachable':
      return {
        name: 'reachability',
        direction: 'theirs',
        ok: false,
        text: `${host} can't reach us. ${message} Check that FERRY_PUBLIC_URL here is the URL at which others reach this gateway, and that it is open to ${host}. The code is still valid.`,
      };
    case 'url-not-allowed':
    case 'address-not-allowed':
      return error.class === 'refused' && message.startsWith('It says')
        ? { name: 'reachability', direction: 'theirs', ok: false, text: `${host} may not call our URL. ${message}` }
        : ours('reachability', message);
    case 'issuer-mismatch':
      return message.startsWith('It says')
        ? { name: 'identity', direction: 'theirs', ok: false, text: message }
        : ours('identity', message);
    case 'redirected':
      return ours(
        'redirects',
        `${host} answers with a redirect, which is never followed. The other side must set FERRY_PUBLIC_URL to the URL that it redirects to, and create a new code.`,
      );
    case 'tls':
      return ours('tls', `The certificate of ${host} is not accepted here: ${message}`);
    case 'not-ferry':
    case 'bad-answer':
      return ours('identity', message);
    default:
      return ours(
        'reachability',
        `${message} Check that the other gateway runs, that its name resolves here, and that firewalls let https through. The code is still valid unless it has expired.`,
      );
  }
}

async function fail(deps: ConnectDeps, row: Pairing, run: string, checks: readonly Check[]): Promise<false> {
  await saveChecks(deps.db, row.id, run, checks);
  await endPairing(deps.db, row.id, run, 'failed');
  return false;
}

async function check(deps: ConnectDeps, row: Pairing, run: string): Promise<void> {
  const peer = await loadPeer(deps.db, row.link);
  if (peer === null) throw new Error(`the link ${row.link} has no peer`);
  const { said, catalogue } = await runChecks(
    {
      identify: (issuer, signal) => identify(deps, issuer, signal),
      calls: callsOf(deps, peer),
      now: Date.now,
      found: async (finding) => {
        Context.current().heartbeat();
        await saveCheck(deps.db, row.id, run, { ...finding, direction: 'ours' });
      },
      signal: Context.current().cancellationSignal,
    },
    peer,
  );
  if (said !== null) await savePeerSaid(deps.db, row.link, said);
  const sides = await sidesOf(deps.db, row.link);
  if (catalogue === null || sides === null || sides.farReach !== 'peer') return;
  await deps.db.transaction(async (tx) => {
    const known = (await latestCatalogues(tx, [sides.farInstance])).get(sides.farInstance);
    // Stored catalogues are JSON, where absent and undefined keys are the same.
    if (isDeepStrictEqual(JSON.parse(JSON.stringify(catalogue)), known?.catalogue)) return;
    await saveCatalogue(tx, sides.farInstance, (known?.version ?? 0) + 1, catalogue);
  });
}

async function compare(deps: ConnectDeps, row: Pairing, run: string): Promise<boolean> {
  const peer = await loadPeer(deps.db, row.link);
  const mine = row.checks.filter(({ direction }) => direction === 'ours');
  // If it can't even be asked, there is nothing to compare.
  if (peer === null || !mine.some(({ name, ok }) => name === 'identity' && ok)) return true;
  try {
    const findings = mine.map(({ name, ok, text }) => ({ name, ok, text }));
    const answer = await callsOf(deps, peer).checks(run, findings, Context.current().cancellationSignal);
    await saveChecks(
      deps.db,
      row.id,
      run,
      answer.checks.map((one) => ({ ...one, direction: 'theirs' as const })),
    );
    return answer.done;
  } catch (error) {
    if (!(error instanceof HelpdeskError)) throw error;
    if (Context.current().info.attempt < tries) throw error;
    const text = `The other side could not be asked for its results: ${error.message} Check again when it runs: ferry link check ${row.link}.`;
    await saveCheck(deps.db, row.id, run, { name: 'answer', direction: 'theirs', ok: false, text });
    return true;
  }
}

async function finish(deps: ConnectDeps, row: Pairing, run: string): Promise<void> {
  const { db } = deps;
  const isComplete = (direction: Check['direction']): boolean =>
    checkNames.every((name) => row.checks.some((one) => one.direction === direction && one.name === name && one.ok));
  const isWell = isComplete('ours') && isComplete('theirs') && row.checks.every(({ ok }) => ok);
  await db.transaction(async (tx) => {
    if (!(await endPairing(tx, row.id, run, isWell ? 'paired' : 'failed'))) return;
    const link = await loadLink(tx, row.link);
    if (link?.state !== 'pairing') return;
    if (isWell) await setLinkState(tx, row.link, 'active', null, row.createdBy);
    else await notePairing(tx, row.link, pairingReason(row.checks, (await sidesOf(tx, row.link))?.farName));
  });
  if (isWell) {
    const sides = await sidesOf(db, row.link);
    if (sides !== null) deps.wake([sides.ownInstance, sides.farInstance]);
  }
}

/** Names the first check that failed. */
function pairingReason(checks: readonly Check[], desk: string | undefined): Reason {
  const failed = checks.find(({ ok }) => !ok);
  return reason('link-pairing', { desk, detail: failed === undefined ? undefined : `${failed.name}: ${failed.text}` });
}

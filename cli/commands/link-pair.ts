/** `ferry link invite`, `accept` and `check`: two organisations join. */
import { otherSide } from '#core/words/ends.ts';
import { randomUUID } from 'node:crypto';
import { checkPeerUrl } from '#protocols/ferry/peer-url.ts';
import { partsOfIssuer } from '#protocols/ferry/identity.ts';
import { HelpdeskError } from '#connectors/contract/errors.ts';
import { isRemote } from '#core/words/reach.ts';
import type { SideName } from '#core/words/vocabulary.ts';
import type { Client } from '#db/base/client.ts';
import { ensureKeys } from '#db/links/keys.ts';
import { knownLinks } from '#db/links/link-life.ts';
import { makePairingCode, readPairingCode } from '#db/links/pairing-code.ts';
import { createAcceptance, createInvitation, pairingMinutes, startChecks } from '#db/links/pairings.ts';
import { loadInstance } from '#db/settings/instances.ts';
import type { GlobalOptions } from '#cli/context.ts';
import type { CliDeps } from '#cli/deps.ts';
import { CliError, exitCodes } from '#cli/errors.ts';
import { readContact } from '#cli/link/contact.ts';
import { followPairing } from '#cli/link/follow.ts';
import { linkOrFail, localInstanceOrFail, withLinks } from '#cli/link/open.ts';

export type PairOptions = GlobalOptions & {
  readonly instance?: string;
  readonly link?: string;
  readonly name?: string;
  readonly contact?: string;
};

export type InviteOptions = PairOptions & { readonly as?: string; readonly json?: boolean; readonly wait?: boolean };

export async function invite(options: InviteOptions, deps: CliDeps): Promise<number> {
  const side = sideOrFail(options.as);
  const instance = instanceOption(options.instance);
  const contact = options.contact === undefined ? null : readContact(options.contact);
  return withLinks(options, deps, { secrets: true }, async ({ db, seal, publicUrl }) => {
    const issuer = `${publicUrl()}/i/${instance}`;
    await drivenOrFail(db, instance);
    const link = await linkId(db, options.link, `${instance}-${otherSide(side)}`);
    const { code, hash } = makePairingCode(issuer, side);
    await ensureKeys(db, seal, instance);
    const { id, expiresAt } = await createInvitation(db, {
      link,
      side,
      instance,
      name: options.name ?? null,
      contact,
      codeHash: hash,
      by: 'cli',
    });
    const other = otherSide(side);
    if (options.json === true) deps.out(`${JSON.stringify({ code, link, issuer, expiresAt })}\n`);
    else
      for (const line of [
        code,
        '',
        `Give this code to the ${other}'s administrator, by a way that only they read. It works once, for ${pairingMinutes} minutes (until ${expiresAt.slice(11, 16)} UTC). There:`,
        '',
        `  ferry link accept ${code.slice(0, 14)}… --instance <their instance>`,
        '',
        `Here the link will be called ${link}. Its checks: ferry link status ${link}`,
      ])
        deps.out(`${line}\n`);
    return options.wait === true ? followPairing(db, id, deps) : exitCodes.ok;
  });
}

export type AcceptOptions = PairOptions & { readonly again?: string };

export async function accept(code: string | undefined, options: AcceptOptions, deps: CliDeps): Promise<number> {
  if (options.again !== undefined) return check(options.again, options, deps);
  const instance = instanceOption(options.instance);
  const contact = options.contact === undefined ? null : readContact(options.contact);
  const given = code === undefined ? null : readPairingCode(code);
  const parts = given === null ? null : partsOfIssuer(given.issuer);
  if (given === null || parts === null)
    throw new CliError(
      'not-a-code',
      exitCodes.usage,
      'this is not a code; it begins with ferry_ and is printed by ferry link invite at the other side',
    );
  return withLinks(options, deps, { secrets: true }, async ({ db, seal, publicUrl, allowAddresses }) => {
    const own = `${publicUrl()}/i/${instance}`;
    await drivenOrFail(db, instance);
    if (given.issuer === own)
      throw new CliError(
        'own-code',
        exitCodes.usage,
        'this code was made by this very instance; accept it at the other side',
      );
    await checkPeerUrl(given.issuer, { allowAddresses }).catch((error: unknown) => {
      if (!(error instanceof HelpdeskError)) throw error;
      throw new CliError(error.code, exitCodes.config, error.message);
    });
    const side = otherSide(given.side);
    const [customer, supplier] = side === 'customer' ? [instance, parts.instance] : [parts.instance, instance];
    const link = await linkId(db, options.link, customer === supplier ? `${instance}-link` : `${customer}-${supplier}`);
    deps.out(`Pairing with ${given.issuer}; here the link will be called ${link}.\n`);
    const id = await createAcceptance(db, {
      link,
      side,
      instance,
      name: options.name ?? null,
      contact,
      issuer: given.issuer,
      code: given.secret,
      seal,
      by: 'cli',
    });
    return followPairing(db, id, deps);
  });
}

/** Runs the checks of a link again, in both directions. */
export async function check(link: string, options: GlobalOptions, deps: CliDeps): Promise<number> {
  return withLinks(options, deps, { secrets: false }, async ({ db }) => {
    const { state } = await linkOrFail(db, link);
    const pairing =
      state === 'closed' || state === 'closing'
        ? null
        : await startChecks(db, link, { run: randomUUID(), asks: true, theirs: [] });
    if (pairing === null)
      throw new CliError(
        state === 'closed' || state === 'closing' ? 'link-closed' : 'never-paired',
        exitCodes.no,
        state === 'closed' || state === 'closing'
          ? `the link ${link} has ended; nothing is left to be checked`
          : `the link ${link} was not made by pairing, so there is no other gateway to check; ferry status tells how its helpdesks are`,
      );
    return followPairing(db, pairing.id, deps);
  });
}

function sideOrFail(text: string | undefined): SideName {
  if (text === 'customer' || text === 'supplier') return text;
  throw new CliError(
    'no-side',
    exitCodes.usage,
    'say which side of the link your instance is: --as customer (its tickets are escalated) or --as supplier (tickets are opened there)',
  );
}

function instanceOption(instance: string | undefined): string {
  if (instance !== undefined) return instance;
  throw new CliError(
    'no-instance',
    exitCodes.usage,
    'name your instance of the link with --instance ID; ferry status lists them',
  );
}

/** A helpdesk of this gateway's own. */
async function drivenOrFail(db: Client, id: string): Promise<void> {
  await localInstanceOrFail(db, id);
  const { type } = (await loadInstance(db, id)) ?? { type: '' };
  if (!isRemote(type)) return;
  throw new CliError(
    'not-local',
    exitCodes.no,
    `${id} stands for somebody else's helpdesk; name one that this gateway drives`,
  );
}

/** The one asked for must be free; else the usual one, with a number behind it where that is taken. */
async function linkId(db: Client, wanted: string | undefined, usual: string): Promise<string> {
  const taken = new Set(await knownLinks(db));
  if (wanted === undefined) {
    const base = usual.slice(0, 60);
    for (let number = 1; ; number += 1) {
      const id = number === 1 ? base : `${base}-${number}`;
      if (!taken.has(id)) return id;
    }
  }
  if (!/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(wanted))
    throw new CliError(
      'wrong-id',
      exitCodes.usage,
      `"${wanted}" can't be the id of a link; use lower-case letters, digits and hyphens, at most 63`,
    );
  if (taken.has(wanted))
    throw new CliError(
      'link-exists',
      exitCodes.no,
      `there is a link "${wanted}" already; choose another id with --link, or check that one with ferry link check ${wanted}`,
    );
  return wanted;
}

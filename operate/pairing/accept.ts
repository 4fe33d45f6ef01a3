/** Joins a link with a code from the other side; a worker exchanges the code and runs the checks. */
import { partsOfIssuer } from '#core/words/directory.ts';
import { otherSide } from '#core/words/ends.ts';
import { HelpdeskError } from '#connectors/contract/errors.ts';
import { readPairingCode } from '#db/links/pairing-code.ts';
import { createAcceptance } from '#db/links/pairings.ts';
import { change, changed } from '#operate/change.ts';
import { assertDriven } from '#operate/known.ts';
import { publicUrlOf, type PeerOperator } from '#operate/operator.ts';
import { Refused } from '#operate/refused.ts';
import { allow, everywhere } from '#operate/rights.ts';
import type { PairingWish } from './invite.ts';
import { freeLinkId } from './link-id.ts';

export type Acceptance = {
  /** Id of the pairing, for `pairingProgress`. */
  readonly id: string;
  readonly link: string;
  /** Issuer URL of the instance that made the code. */
  readonly issuer: string;
};

/** Accepts a code. @throws Refused not-a-code, damaged-code, no-public-url, unknown-instance, not-local, own-code, wrong-id, link-exists, and codes that say why Ferry may not call its URL */
export async function accept(operator: PeerOperator, code: string, wish: PairingWish): Promise<Acceptance> {
  allow(operator, 'accept', everywhere);
  const { db, actor, seal, peers } = operator;
  const { instance, name, contact } = wish;
  const given = readPairingCode(code);
  if (given === 'damaged')
    throw new Refused(
      'damaged-code',
      'wrong',
      'this code has a missing, wrong or extra letter; copy the whole code again from ferry link invite on the other side',
    );
  const parts = given === null ? null : partsOfIssuer(given.issuer);
  if (given === null || parts === null)
    throw new Refused(
      'not-a-code',
      'wrong',
      'this is not a code; codes begin with ferry_, and ferry link invite on the other side prints them',
    );
  const own = `${publicUrlOf(operator)}/i/${instance}`;
  await assertDriven(db, instance);
  const { issuer, secret } = given;
  if (issuer === own)
    throw new Refused('own-code', 'wrong', 'this instance made this code; accept it on the other side');
  await peers.checkUrl(issuer).catch((error: unknown) => {
    if (!(error instanceof HelpdeskError)) throw error;
    throw new Refused(error.code, 'setup', error.message);
  });
  const side = otherSide(given.side);
  const [customer, supplier] = side === 'customer' ? [instance, parts.instance] : [parts.instance, instance];
  const usual = customer === supplier ? `${instance}-link` : `${customer}-${supplier}`;
  const link = await freeLinkId(db, wish.link, usual);
  const id = await change(operator, async (tx) => {
    const made = await createAcceptance(tx, {
      link,
      side,
      instance,
      name: name ?? null,
      contact,
      issuer,
      code: secret,
      seal,
      by: actor.name,
    });
    return changed(made, { what: 'accept', subject: `links/${link}`, detail: { side, instance, issuer } });
  });
  return { id, link, issuer };
}

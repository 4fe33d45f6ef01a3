/** Makes a one-time code with which another gateway joins a link. */
import { otherSide } from '#core/words/ends.ts';
import type { WireContact } from '#core/wire.ts';
import type { SideName } from '#core/words/vocabulary.ts';
import { ensureKeys } from '#db/links/keys.ts';
import { makePairingCode } from '#db/links/pairing-code.ts';
import { createInvitation, pairingMinutes } from '#db/links/pairings.ts';
import { change, changed } from '#operate/change.ts';
import { assertDriven } from '#operate/known.ts';
import { publicUrlOf, type Operator } from '#operate/operator.ts';
import { allow, everywhere } from '#operate/rights.ts';
import { freeLinkId } from './link-id.ts';

export type PairingWish = {
  /** Our instance. */
  readonly instance: string;
  /** Id of the link here; if absent, derived from both instances. */
  readonly link?: string | undefined;
  /** Name of the other side here, instead of its own name. */
  readonly name?: string | undefined;
  /** The person whom the other side may call. */
  readonly contact: WireContact | null;
};

export type Invitation = {
  /** Id of the pairing, for `pairingProgress`. */
  readonly id: string;
  /** The code, which is not shown again. */
  readonly code: string;
  readonly link: string;
  /** Issuer URL of our instance. */
  readonly issuer: string;
  /** Instant. */
  readonly expiresAt: string;
  /** How long the code works. */
  readonly minutes: number;
};

/** Makes a code. @param side our side @throws Refused no-public-url, unknown-instance, not-local, wrong-id, link-exists */
export async function invite(
  operator: Operator,
  { side, instance, ...wish }: PairingWish & { readonly side: SideName },
): Promise<Invitation> {
  allow(operator, 'invite', everywhere);
  const { db, actor, seal } = operator;
  const issuer = `${publicUrlOf(operator)}/i/${instance}`;
  await assertDriven(db, instance);
  const link = await freeLinkId(db, wish.link, `${instance}-${otherSide(side)}`);
  const { code, hash } = makePairingCode(issuer, side);
  const made = await change(operator, async (tx) => {
    await ensureKeys(tx, seal, instance);
    const invitation = await createInvitation(tx, {
      link,
      side,
      instance,
      name: wish.name ?? null,
      contact: wish.contact,
      codeHash: hash,
      by: actor.name,
    });
    return changed(invitation, { what: 'invite', subject: `links/${link}`, detail: { side, instance } });
  });
  return { ...made, code, link, issuer, minutes: pairingMinutes };
}

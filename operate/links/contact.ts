/** The contacts of a link: ours, which the other side sees, and theirs, which is shown beside failures here. */
import type { WireContact } from '#core/wire.ts';
import { setContact } from '#db/links/link-life.ts';
import { change, changed } from '#operate/change.ts';
import { linkOf } from '#operate/known.ts';
import type { Operator } from '#operate/operator.ts';
import { allow } from '#operate/rights.ts';

export type Contacts = { readonly own: WireContact | null; readonly far: WireContact | null };

/** Returns both. @throws Refused unknown-link */
export async function contactsOf(operator: Operator, link: string): Promise<Contacts> {
  allow(operator, 'link-status', { link });
  const { ownContact, farContact } = await linkOf(operator, link);
  return { own: ownContact, far: farContact };
}

/** Sets one. @param contact null removes it @throws Refused unknown-link */
export async function changeContact(
  operator: Operator,
  link: string,
  whose: 'own' | 'far',
  contact: WireContact | null,
): Promise<void> {
  allow(operator, 'link-contact', { link });
  await linkOf(operator, link);
  await change(operator, async (tx) => {
    const from = await setContact(tx, link, whose, contact);
    return changed(undefined, { what: 'contact', subject: `links/${link}`, detail: { whose, from, to: contact } });
  });
}

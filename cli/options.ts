/** Options that several commands share, and the messages if they are missing. */
import { wireContact, type WireContact } from '#core/wire.ts';
import type { SideName } from '#core/words/vocabulary.ts';
import { CliError, exitCodes } from './errors.ts';

/** Reads `--as`. @param missing the message if it names no side */
export function sideOption(text: string | undefined, missing: string): SideName {
  if (text === 'customer' || text === 'supplier') return text;
  throw new CliError('no-side', exitCodes.usage, missing);
}

export function instanceOption(instance: string | undefined): string {
  if (instance !== undefined) return instance;
  throw new CliError(
    'no-instance',
    exitCodes.usage,
    'name your instance of the link with --instance ID; ferry status lists them',
  );
}

export function contactOption(text: string | undefined): WireContact | null {
  return text === undefined ? null : readContact(text);
}

/** Reads a contact as people write it: `Ann Lee <ann@acme.example> +49 30 1234`. */
export function readContact(text: string): WireContact {
  const found =
    /^([^<>]{0,300}?)\s{0,20}(?:<([^<>\s]{1,200}@[^<>\s]{1,200})>)?\s{0,20}(\+?[\d][\d\s()/.-]{3,100})?$/.exec(
      text.trim(),
    );
  const [, name = '', email, phone] = found ?? [];
  const contact = wireContact.safeParse({
    name: name.trim(),
    ...(email === undefined ? {} : { email }),
    ...(phone === undefined ? {} : { phone: phone.trim() }),
  });
  if (found !== null && contact.success && (name.trim() !== '' || email !== undefined || phone !== undefined))
    return contact.data;
  throw new CliError(
    'not-a-contact',
    exitCodes.usage,
    `"${text}" is not a contact; write it as: "Ann Lee <ann@acme.example> +49 30 1234"`,
  );
}

/** Whom to call at a side: `Ann Lee <ann@acme.example> +49 30 1234`, as people write it. */
import { wireContact, type WireContact } from '#core/wire.ts';
import { CliError, exitCodes } from '#cli/errors.ts';

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

export function contactText({ name, email, phone }: WireContact): string {
  return [name, email === undefined ? '' : `<${email}>`, phone ?? ''].filter((part) => part !== '').join(' ');
}

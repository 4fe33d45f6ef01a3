/** Formats a contact the way people write it. */
import type { WireContact } from '#core/wire.ts';

/** `Ann Lee <ann@acme.example> +49 30 1234` */
export function contactText({ name, email, phone }: WireContact): string {
  return [name, email === undefined ? '' : `<${email}>`, phone ?? ''].filter((part) => part !== '').join(' ');
}

/** `ferry link contact` */
import type { CliDeps, GlobalOptions } from '#cli/deps.ts';
import { exitCodes } from '#cli/errors.ts';
import { readContact } from '#cli/options.ts';
import { contactText } from '#core/text/contact.ts';
import { printable } from '#cli/print/text.ts';
import { withOperator } from '#cli/wire.ts';
import { changeContact, contactsOf } from '#operate/links/contact.ts';
import type { WireContact } from '#core/wire.ts';

/** Sets a contact; without a text, shows both. */
export async function contact(
  id: string,
  text: string | undefined,
  options: GlobalOptions & { readonly far?: boolean; readonly none?: boolean },
  deps: CliDeps,
): Promise<number> {
  const wanted = options.none === true ? null : text === undefined ? undefined : readContact(text);
  if (wanted === undefined) {
    const { own, far } = await withOperator(options, deps, (operator) => contactsOf(operator, id));
    deps.out(printable(`On duty there: ${nameOf(far)}`) + '\n');
    deps.out(printable(`On duty here: ${nameOf(own)}`) + '\n');
    return exitCodes.ok;
  }
  const isFar = options.far === true;
  await withOperator(options, deps, (operator) => changeContact(operator, id, isFar ? 'far' : 'own', wanted));
  deps.out(
    isFar
      ? 'Saved; it is shown beside every failure of this link.\n'
      : 'Saved; the other side receives it within minutes.\n',
  );
  return exitCodes.ok;
}

function nameOf(somebody: WireContact | null): string {
  return somebody === null ? 'nobody named' : contactText(somebody);
}

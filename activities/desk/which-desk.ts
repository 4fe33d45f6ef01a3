/**
 * Which helpdesk answers in an instance's place. It is asked when its connector is made, thus once per process and after
 * every change of its settings, then once a minute, and after trouble; never for each write.
 */
import { HelpdeskError } from '#connectors/contract/errors.ts';
import type { Helpdesk } from '#connectors/contract/helpdesk.ts';
import type { Db } from '#db/base/client.ts';
import { keepIdentity, type InstanceRow } from '#db/settings/instances.ts';

const codes: readonly string[] = ['other-desk', 'same-desk'];
const timeoutMs = 15_000;

/** It is not the desk's trouble: somebody has to say which desk this is. */
export function isOtherDesk(error: HelpdeskError): boolean {
  return codes.includes(error.code);
}

/** Throws HelpdeskError where it is another one, or can't be asked; what is told at the first contact is kept. */
export async function checkDesk(db: Db, row: InstanceRow, helpdesk: Helpdesk): Promise<void> {
  const told = (await helpdesk.identity?.(AbortSignal.timeout(timeoutMs))) ?? null;
  if (told === row.identity) return;
  const { id, name, url, identity } = row;
  if (identity !== null) {
    const how = told === null ? 'a helpdesk that does not say which one it is' : 'another helpdesk';
    throw new HelpdeskError(
      'auth',
      'other-desk',
      `${name}: at ${url} answers ${how}. Nothing is read or written there. Correct the address, or say with ` +
        `ferry apply --moved ${id} that it is the same one, or with --new ${id} that it is a new one.`,
    );
  }
  if (told === null) return;
  const other = await keepIdentity(db, id, told);
  if (other === null) return;
  throw new HelpdeskError(
    'auth',
    'same-desk',
    `${name}: at ${url} answers the helpdesk that is known as ${other}. Nothing is read or written there. ` +
      `Correct the address; one helpdesk is one instance.`,
  );
}

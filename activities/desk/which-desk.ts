/**
 * Checks which helpdesk answers at an instance's address: when its connector is created (once per process and after
 * each change of its settings), once a minute, and after trouble; never for each write.
 */
import { HelpdeskError } from '#connectors/contract/errors.ts';
import type { Helpdesk } from '#connectors/contract/helpdesk.ts';
import type { Db } from '#db/base/client.ts';
import { keepIdentity, type InstanceRow } from '#db/settings/instances.ts';

const codes: readonly string[] = ['other-desk', 'same-desk'];
const timeoutMs = 15_000;

/** Tells whether the error means a wrong helpdesk: the desk is fine, and somebody has to say which desk this is. */
export function isOtherDesk(error: HelpdeskError): boolean {
  return codes.includes(error.code);
}

/**
 * Throws HelpdeskError if another helpdesk answers, or if it can't be asked. At the first contact its identity is
 * stored.
 */
export async function checkDesk(db: Db, row: InstanceRow, helpdesk: Helpdesk): Promise<void> {
  const reported = (await helpdesk.identity?.(AbortSignal.timeout(timeoutMs))) ?? null;
  if (reported === row.identity) return;
  const { id, name, url, identity } = row;
  if (identity !== null) {
    const how = reported === null ? 'a helpdesk that does not say which one it is' : 'another helpdesk';
    throw new HelpdeskError(
      'auth',
      'other-desk',
      `${name}: ${how} answers at ${url}. Nothing is read or written there. Correct the address, or say with ` +
        `ferry apply --moved ${id} that it is the same one, or with --new ${id} that it is a new one.`,
    );
  }
  if (reported === null) return;
  const other = await keepIdentity(db, id, reported);
  if (other === null) return;
  throw new HelpdeskError(
    'auth',
    'same-desk',
    `${name}: the helpdesk that answers at ${url} is already known as ${other}. Nothing is read or written there. ` +
      `Correct the address; one helpdesk is one instance.`,
  );
}

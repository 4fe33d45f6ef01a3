/** `ferry status` */
import type { CliDeps, GlobalOptions } from '#cli/deps.ts';
import { exitCodes } from '#cli/errors.ts';
import { contactText } from '#core/text/contact.ts';
import { ago, printable, table } from '#cli/print/text.ts';
import { lookAtTemporal, withOperator, type Temporal } from '#cli/wire.ts';
import { status as look, type LinkStatus, type Status } from '#operate/status/status.ts';

export type StatusCommand = GlobalOptions & { readonly json?: boolean };

/** 2 where nothing is carried because Temporal is away; 0 otherwise, whatever waits. */
export async function status(options: StatusCommand, deps: CliDeps): Promise<number> {
  const [found, temporal] = await Promise.all([withOperator(options, deps, look), lookAtTemporal(options, deps)]);
  if (options.json === true) deps.out(`${JSON.stringify({ temporal, ...found })}\n`);
  else for (const line of statusLines(found, temporal, Date.now())) deps.out(`${line}\n`);
  return temporal.state === 'up' ? exitCodes.ok : exitCodes.degraded;
}

/** @param now milliseconds since the epoch */
export function statusLines(found: Status, temporal: Temporal, now: number): string[] {
  const since = (at: string | null): string => (at === null ? 'never' : `${ago(now - Date.parse(at))} ago`);
  const lines: string[] = [];
  if (temporal.state === 'down')
    lines.push(
      `DEGRADED: Temporal at ${temporal.address ?? '(no address)'} can't be reached. What arrives is kept; nothing is carried until it is back.`,
      '',
    );
  lines.push(...(found.instances.length === 0 ? ['No instances yet: ferry apply links.yaml'] : []));
  if (found.instances.length > 0)
    lines.push(
      ...table([
        ['INSTANCE', 'TYPE', 'STATE', 'SINCE', 'READ', 'WAITING', 'OLDEST', 'RETRY'],
        ...found.instances.map((one) => [
          one.id,
          one.type,
          one.state,
          since(one.since),
          since(one.last_poll),
          String(one.lanes_waiting),
          one.oldest_due === null ? '-' : ago(now - Date.parse(one.oldest_due)),
          one.retry_at === null ? '-' : `in ${ago(Date.parse(one.retry_at) - now)}`,
        ]),
      ]),
      ...found.instances.flatMap(({ id, reason, retry_reason }) => {
        const why = reason ?? retry_reason?.text ?? null;
        return why === null ? [] : [`  ${id}: ${printable(why)}`];
      }),
    );
  if (found.links.length > 0)
    lines.push(
      '',
      ...table([
        ['LINK', 'MODE', 'CUSTOMER', 'SUPPLIER', 'OPEN', 'APPLIED 24H', 'SKIPPED', 'REFUSED', 'HELD'],
        ...found.links.map((link) => [
          link.id,
          link.state === 'active' ? link.mode : link.state,
          link.customer,
          link.supplier,
          `${link.open}${link.opening > 0 ? ` (+${link.opening} opening)` : ''}`,
          String(link.applied),
          String(link.skipped),
          String(link.refused),
          String(link.held),
        ]),
      ]),
      ...found.links.flatMap((link) => linkTrouble(link, found)),
    );
  if (found.held.length > 0) lines.push('', 'Held for somebody:');
  for (const { id, ticket, to, since: at, set_aside, reason } of found.held)
    lines.push(
      printable(
        `  ${id}  ${ticket} → ${to}, ${set_aside ? 'set aside, ' : ''}since ${since(at)}: ${reason?.text ?? 'no reason was kept'}`,
      ),
    );
  if (found.held.length > 0) lines.push('  Let one go with ferry release ID, or drop it with ferry skip ID.');
  for (const { mirror, ticket, reason } of found.paused)
    lines.push(
      '',
      printable(`Paused: ${ticket} (${reason ?? 'no reason was kept'}). Go on with ferry resume ${mirror}.`),
    );
  return lines;
}

/** Why a link is not active, and whom to call where something of it fails or waits. */
function linkTrouble(
  { id, state, reason, contact, refused, held, customer, supplier }: LinkStatus,
  found: Status,
): string[] {
  const isAway = found.instances.some(
    (one) =>
      (one.id === customer || one.id === supplier) &&
      (one.state === 'down' || one.state === 'auth' || one.retry_at !== null),
  );
  const isTrouble = state !== 'active' && state !== 'closed';
  return [
    ...(isTrouble && reason !== null ? [printable(`  ${id}: ${reason.text}`)] : []),
    ...(contact !== null && (isTrouble || isAway || refused > 0 || held > 0)
      ? [printable(`  ${id}: on duty at the other side: ${contactText(contact)}`)]
      : []),
  ];
}

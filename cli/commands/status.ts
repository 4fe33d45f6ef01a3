/** `ferry status` */
import type { CliDeps, GlobalOptions } from '#cli/deps.ts';
import { exitCodes } from '#cli/errors.ts';
import { contactText } from '#core/text/contact.ts';
import { ago, count, printable, table } from '#cli/print/text.ts';
import { lookAtTemporal, withOperator, type Temporal } from '#cli/wire.ts';
import { needsOf, type Need } from '#operate/status/needs.ts';
import { status as look, type LinkStatus, type Status } from '#operate/status/status.ts';

export type StatusCommand = GlobalOptions & { readonly json?: boolean };

/** Shows the status. Returns 2 if somebody has to act, else 0. */
export async function status(options: StatusCommand, deps: CliDeps): Promise<number> {
  const [found, temporal] = await Promise.all([withOperator(options, deps, look), lookAtTemporal(options, deps)]);
  const now = Date.now();
  const needs = needsOf(found, temporal.state === 'up', now);
  if (options.json === true) deps.out(`${JSON.stringify({ temporal, ...found, needs })}\n`);
  else for (const line of [...statusLines(found, temporal, now), ...needLines(needs, now)]) deps.out(`${line}\n`);
  return needs.length === 0 ? exitCodes.ok : exitCodes.degraded;
}

/** Writes the status as lines. @param now milliseconds since the epoch */
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
          one.quarantined_at === null ? one.state : 'quarantined',
          since(one.since),
          since(one.last_poll),
          String(one.lanes_waiting),
          one.oldest_due === null ? '-' : ago(now - Date.parse(one.oldest_due)),
          one.retry_at === null ? '-' : `in ${ago(Date.parse(one.retry_at) - now)}`,
        ]),
      ]),
      ...found.instances.flatMap(({ id, reason, retry_reason, quarantine_reason, clock_offset_ms }) => {
        const why = quarantine_reason?.text ?? reason ?? retry_reason?.text ?? null;
        const clock = clockLine(clock_offset_ms);
        return [
          ...(why === null ? [] : [`  ${id}: ${printable(why)}`]),
          ...(clock === null ? [] : [`  ${id}: ${clock}`]),
        ];
      }),
    );
  if (found.links.length > 0)
    lines.push(
      '',
      ...table([
        ['LINK', 'MODE', 'CUSTOMER', 'SUPPLIER', 'OPEN', 'APPLIED 24H', 'SKIPPED', 'REFUSED', 'HELD'],
        ...found.links.map((link) => [
          link.id,
          link.state === 'active' ? link.mode : stateOf(link),
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
  if (found.rot.length > 0) lines.push('', 'Settings that no longer fit:');
  for (const { since: at, text } of found.rot) lines.push(printable(`  ${text} (since ${since(at)})`));
  if (found.missing.length > 0) lines.push('', 'Tickets that a desk no longer shows to Ferry:');
  for (const { ticket, since: at, reason } of found.missing)
    lines.push(printable(`  ${ticket}, since ${since(at)}: ${reason?.text ?? ''}`));
  if (found.held.length > 0) lines.push('', 'Held until somebody decides:');
  for (const { id, ticket, to, since: at, set_aside, reason } of found.held)
    lines.push(
      printable(
        `  ${id}  ${ticket} → ${to}, ${set_aside ? 'set aside, ' : ''}since ${since(at)}: ${reason?.text ?? 'no reason was kept'}`,
      ),
    );
  if (found.held.length > 0) lines.push('  Deliver one with ferry release ID, or drop it with ferry skip ID.');
  for (const { mirror, ticket, reason } of found.paused)
    lines.push(
      '',
      printable(`Paused: ${ticket} (${reason ?? 'no reason was kept'}). To continue: ferry resume ${mirror}`),
    );
  return lines;
}

/** Smaller differences mean nothing, because replies give whole seconds. Milliseconds. */
const clockShownMs = 2_000;

function clockLine(offsetMs: number | null): string | null {
  if (offsetMs === null || Math.abs(offsetMs) < clockShownMs) return null;
  return `its clock is ${ago(Math.abs(offsetMs))} ${offsetMs > 0 ? 'ahead of' : 'behind'} ours.`;
}

const wordsOf: Readonly<Record<Need['code'], string>> = {
  temporal: 'Temporal does not answer; start it again',
  down: 'does not answer; is it up, and can this machine reach it?',
  auth: 'refuses our credentials; renew them and apply the links file',
  other: 'has a different helpdesk at its address; say which with ferry apply --moved or --new',
  key: 'has secrets for which the worker has no key; see its reason above',
  stale: 'is not being read; are workers running?',
  restored: 'was restored from a backup; compare with ferry resume INSTANCE --dry-run',
  missing: 'does not show Ferry a ticket; see its reason above',
  quarantined: 'is in quarantine; compare with ferry link resume --dry-run',
  held: '',
  'set-aside': '',
  paused: '',
  'no-room': 'is waiting for a file for which Ferry’s disk has no room; free some space',
  rot: 'has settings that no longer fit what a desk offers; see ferry lint',
  waits: 'is up, but something has been waiting for it for a long time; see ferry trace',
};

/** Lists what somebody has to do, except for what is held or paused: the lines above already say that. */
function needLines(needs: readonly Need[], now: number): string[] {
  if (needs.length === 0) return [];
  const lines = needs.flatMap(({ code, of, since, tickets }) => {
    if (wordsOf[code] === '') return [];
    const about = code === 'temporal' ? '' : `${of} `;
    const age = since === null ? '' : ` (since ${ago(now - Date.parse(since))})`;
    const waiting = tickets.length === 0 ? '' : ` Waiting for it: ${tickets.join(', ')}.`;
    return [printable(`  ${about}${wordsOf[code]}${age}.${waiting}`)];
  });
  const counted = (code: Need['code'][], one: string, more: string): string[] => {
    const number = needs.filter((need) => code.includes(need.code)).length;
    return number === 0 ? [] : [`  ${count(number, one, more)} for a decision, see above.`];
  };
  return [
    '',
    'Somebody has to act:',
    ...lines,
    ...counted(['held', 'set-aside'], 'delivery waits', 'deliveries wait'),
    ...counted(['paused'], 'paused mirror waits', 'paused mirrors wait'),
  ];
}

function stateOf({ state, suspended_until }: LinkStatus): string {
  return suspended_until === null ? state : `paused until ${suspended_until.slice(0, 16)}Z`;
}

/** Says why a link is not active, and whom to call if deliveries on it fail or wait. */
function linkTrouble(
  { id, state, reason, suspended_by: by, contact, refused, held, customer, supplier }: LinkStatus,
  found: Status,
): string[] {
  const isAway = found.instances.some(
    (one) =>
      (one.id === customer || one.id === supplier) &&
      (one.state === 'down' ||
        one.state === 'auth' ||
        one.state === 'key' ||
        one.state === 'other' ||
        one.retry_at !== null),
  );
  const isTrouble = state !== 'active' && state !== 'closed';
  return [
    ...(isTrouble && reason !== null ? [printable(`  ${id}: ${reason.text}${by === null ? '' : ` (${by})`}`)] : []),
    ...(contact !== null && (isTrouble || isAway || refused > 0 || held > 0)
      ? [printable(`  ${id}: on duty at the other side: ${contactText(contact)}`)]
      : []),
  ];
}

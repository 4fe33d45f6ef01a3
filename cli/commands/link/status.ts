/** `ferry link status` */
import type { CliDeps, GlobalOptions } from '#cli/deps.ts';
import { exitCodes } from '#cli/errors.ts';
import { checkLine } from '#cli/print/check.ts';
import { contactText } from '#core/text/contact.ts';
import { ago, count, printable } from '#cli/print/text.ts';
import { withOperator } from '#cli/wire.ts';
import { linkStatus, type LinkStanding, type OpenInvitation } from '#operate/links/status.ts';

/** Shows links. Returns 1 if a link is neither active nor ended. */
export async function status(
  id: string | undefined,
  options: GlobalOptions & { readonly json?: boolean },
  deps: CliDeps,
): Promise<number> {
  const { links, invitations } = await withOperator(options, deps, (operator) => linkStatus(operator, id));
  if (options.json === true) deps.out(`${JSON.stringify({ links, invitations })}\n`);
  else for (const line of lines(links, invitations, Date.now())) deps.out(`${line}\n`);
  return links.every(({ state }) => state === 'active' || state === 'closed') ? exitCodes.ok : exitCodes.no;
}

function lines(links: readonly LinkStanding[], invitations: readonly OpenInvitation[], now: number): string[] {
  if (links.length === 0 && invitations.length === 0)
    return [
      'No links yet. Use ferry apply to link helpdesks of this gateway, or ferry link invite to link with another gateway.',
    ];
  return [
    ...links.flatMap((link, at) => [...(at === 0 ? [] : ['']), ...linkLines(link, now)]),
    ...invitations.flatMap(({ link, side, instance, expiresAt }) => [
      '',
      `Invited: ${link}, ${instance} as ${side}; the code works for another ${ago(Date.parse(expiresAt) - now)}.`,
    ]),
  ];
}

function linkLines(link: LinkStanding, now: number): string[] {
  const { far, said } = link;
  const name = (side: 'customer' | 'supplier'): string => {
    const sort = link.farType === 'peer' ? 'another gateway' : 'an API client';
    return `${link[side]} (${side}${far === side ? `, ${sort}` : ''})`;
  };
  const until = link.suspendedUntil === null ? '' : ` until ${link.suspendedUntil.slice(0, 16)}Z`;
  const by = link.suspendedBy === null ? '' : ` by ${link.suspendedBy}`;
  const state = link.state === 'active' ? `active, ${link.mode}` : `${link.state}${until}${by}`;
  const stranger =
    said === null || said.state === link.state
      ? []
      : [`  The other side says: ${said.state}${said.reason === null ? '' : `. ${said.reason.text}`}`];
  return [
    `${link.id}: ${state}`,
    `  ${name('customer')} ⇄ ${name('supplier')}; ${count(link.open, 'open mirror')}, ${link.waiting} waiting`,
    ...(link.reason === null || link.state === 'active' ? [] : [`  ${link.reason.text}`]),
    ...(link.issuer === null ? [] : [`  ${link.issuer}, which calls the link ${link.farLink ?? '?'}`]),
    ...(link.saidAt === null ? [] : [`  Last asked ${ago(now - Date.parse(link.saidAt))} ago.`]),
    ...stranger,
    ...(link.farContact === null ? [] : [`  On duty there: ${contactText(link.farContact)}`]),
    ...(link.ownContact === null ? [] : [`  On duty here: ${contactText(link.ownContact)}`]),
    ...(link.farType === 'api' ? [`  Clients: ${link.clients.join(', ') || 'none'}`] : []),
    ...checkLines(link),
  ].map(printable);
}

/** One by one only where they are of use to somebody. */
function checkLines({ id, state, pairing }: LinkStanding): string[] {
  if (pairing === null || pairing.checks.length === 0) return [];
  if (state === 'closed') return [];
  if (state !== 'pairing' && pairing.checks.every(({ ok }) => ok))
    return [`  All ${pairing.checks.length} checks of its pairing passed; once more: ferry link check ${id}`];
  return ['  Checks:', ...pairing.checks.map((check) => `    ${checkLine(check, pairing)}`)];
}

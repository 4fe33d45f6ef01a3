/** `ferry link close` */
import { isYes, type CliDeps, type GlobalOptions } from '#cli/deps.ts';
import { CliError, exitCodes } from '#cli/errors.ts';
import { contactText } from '#core/text/contact.ts';
import { count } from '#cli/print/text.ts';
import { withPeers } from '#cli/wire.ts';
import { closeLink } from '#operate/links/close.ts';

export type CloseOptions = GlobalOptions & {
  readonly refuse?: boolean;
  readonly drain?: boolean;
  readonly because?: string;
  readonly yes?: boolean;
  /** Minutes. */
  readonly wait?: number;
};

const drainMinutes = 10;

export async function close(id: string, options: CloseOptions, deps: CliDeps): Promise<number> {
  if (options.refuse === true && options.drain === true)
    throw new CliError('two-ways', exitCodes.usage, 'choose one of --drain and --refuse');
  const asks = deps.isInteractive && options.yes !== true;
  const closed = await withPeers(options, deps, (operator) =>
    closeLink(operator, id, {
      drainMs: options.refuse === true ? 0 : (options.wait ?? drainMinutes) * 60_000,
      because: options.because,
      waiting: (left) => deps.out(`Waiting for ${count(left, 'delivery', 'deliveries')} …\n`),
      signal: deps.signal,
      ...(asks
        ? {
            confirm: () => isYes(deps, `End the link ${id} permanently? Both desks get a note on every open ticket.`),
          }
        : {}),
    }),
  );
  if (closed.outcome === 'declined') {
    deps.out('Nothing was changed.\n');
    return exitCodes.no;
  }
  const { state, mirrors, refused, peer } = closed;
  if (peer.told === 'no') {
    const whom = peer.contact === null ? '' : ` Contact its operators: ${contactText(peer.contact)}.`;
    deps.err(
      `ferry: the other gateway could not be notified (${peer.why}).${whom} Its calls are now refused with link-closed. [peer-not-told]\n`,
    );
  }
  deps.out(
    `${id} has ended. ${count(mirrors, 'open ticket gets', 'open tickets get')} a note${refused > 0 ? `; ${count(refused, 'waiting delivery was', 'waiting deliveries were')} refused` : ''}.${peer.told === 'yes' ? ' The other side has ended its half.' : ''}\n`,
  );
  if (state === 'closing') deps.out('Its state is closing until the last notes are written.\n');
  deps.out(`Ferry keeps what was carried until you purge it: ferry link export ${id}, then ferry link purge ${id}\n`);
  return exitCodes.ok;
}

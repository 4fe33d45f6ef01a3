/** `ferry link invite` */
import { otherSide } from '#core/words/ends.ts';
import type { CliDeps, GlobalOptions } from '#cli/deps.ts';
import { exitCodes } from '#cli/errors.ts';
import { contactOption, instanceOption, sideOption } from '#cli/options.ts';
import { withOperator } from '#cli/wire.ts';
import { invite as makeInvitation } from '#operate/pairing/invite.ts';
import { followPairing } from './follow.ts';

export type PairOptions = GlobalOptions & {
  readonly instance?: string;
  readonly link?: string;
  readonly name?: string;
  readonly contact?: string;
};

export type InviteOptions = PairOptions & { readonly as?: string; readonly json?: boolean; readonly wait?: boolean };

export async function invite(options: InviteOptions, deps: CliDeps): Promise<number> {
  const side = sideOption(
    options.as,
    'say which side of the link your instance is: --as customer (its tickets are escalated) or --as supplier (escalations open tickets in it)',
  );
  const instance = instanceOption(options.instance);
  const contact = contactOption(options.contact);
  return withOperator(
    options,
    deps,
    async (operator) => {
      const { link: wanted, name } = options;
      const made = await makeInvitation(operator, { side, instance, link: wanted, name, contact });
      const { id, code, link, issuer, expiresAt, minutes } = made;
      const other = otherSide(side);
      if (options.json === true) deps.out(`${JSON.stringify({ code, link, issuer, expiresAt })}\n`);
      else
        for (const line of [
          code,
          '',
          `Send this code to the ${other}'s administrator over a private channel. It works once, for ${minutes} minutes (until ${expiresAt.slice(11, 16)} UTC). They run:`,
          '',
          `  ferry link accept ${code.slice(0, 14)}… --instance <their instance>`,
          '',
          `This side calls the link ${link}. To see its checks: ferry link status ${link}`,
        ])
          deps.out(`${line}\n`);
      return options.wait === true ? followPairing(operator, id, deps) : exitCodes.ok;
    },
    { secrets: true },
  );
}

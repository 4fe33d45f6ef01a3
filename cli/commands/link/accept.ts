/** `ferry link accept` */
import type { CliDeps } from '#cli/deps.ts';
import { contactOption, instanceOption } from '#cli/options.ts';
import { withPeers } from '#cli/wire.ts';
import { accept as acceptCode } from '#operate/pairing/accept.ts';
import { check } from './check.ts';
import { followPairing } from './follow.ts';
import type { PairOptions } from './invite.ts';

export type AcceptOptions = PairOptions & { readonly again?: string };

export async function accept(code: string | undefined, options: AcceptOptions, deps: CliDeps): Promise<number> {
  if (options.again !== undefined) return check(options.again, options, deps);
  const instance = instanceOption(options.instance);
  const contact = contactOption(options.contact);
  const { link: wanted, name } = options;
  const given = await codeOf(code, deps);
  return withPeers(options, deps, async (operator) => {
    const { id, link, issuer } = await acceptCode(operator, given, { instance, link: wanted, name, contact });
    deps.out(`Pairing with ${issuer}; this side calls the link ${link}.\n`);
    return followPairing(operator, id, deps);
  });
}

/** Prompts for the code or reads it from standard input (`-`), to keep it out of the process list and shell history. */
async function codeOf(code: string | undefined, { ask, isInteractive }: CliDeps): Promise<string> {
  if (code === '-') return (await ask('')).trim();
  if (code === undefined && isInteractive) return (await ask('The code from the other side: ')).trim();
  return code ?? '';
}

/** `ferry verify <instance> <ticket>`: proves who said what on a ticket, through any number of hops. */
import type { CliDeps, GlobalOptions } from '#cli/deps.ts';
import { exitCodes } from '#cli/errors.ts';
import { count, printable } from '#cli/print/text.ts';
import { withPeers } from '#cli/wire.ts';
import { verify as verifyTicket, type Verified } from '#operate/verify/verify.ts';

export type VerifyOptions = GlobalOptions & { readonly offline?: boolean; readonly json?: boolean };

/** Verifies the actions of a ticket. Returns 1 if a signature is wrong, or if there are no actions. */
export async function verify(instance: string, ticket: string, options: VerifyOptions, deps: CliDeps): Promise<number> {
  const found = await withPeers(
    options,
    deps,
    (operator) => verifyTicket(operator, instance, ticket, { offline: options.offline ?? false }),
    { secrets: false },
  );
  const broken = found.filter(({ verdict }) => verdict === 'broken').length;
  const vouched = found.filter(({ verdict }) => verdict === 'vouched').length;
  if (options.json === true) for (const one of found) deps.out(`${JSON.stringify(jsonOf(one))}\n`);
  else {
    for (const one of found) for (const text of textOf(one)) deps.out(`${printable(text)}\n`);
    const held = found.filter(({ verdict }) => verdict === 'holds').length;
    deps.out(
      `${count(found.length, 'action')}: ${held} proven by their origins' signatures${vouched > 0 ? `, ${vouched} only by keys that their origins never published` : ''}${broken > 0 ? `, ${broken} changed since they were signed` : ''}.\n`,
    );
  }
  return broken + vouched > 0 ? exitCodes.no : exitCodes.ok;
}

const publishing: Readonly<Record<NonNullable<Verified['published']>, string>> = {
  yes: 'the origin still publishes it',
  no: 'the origin no longer publishes that key',
  another: 'the origin publishes A DIFFERENT key of that name',
  unanswered: 'the origin could not be asked',
};

function textOf({ said, origin, hops, verdict, why, kid, vouchedBy, published }: Verified): string[] {
  const signs = { holds: '✓', vouched: '?', own: '·', unsigned: '·', expired: '·', broken: '✗' } as const;
  const who = said.author === null ? 'somebody' : `${said.author.name || said.author.role}`;
  const words: Record<Verified['verdict'], string> = {
    holds: `signed by its origin, key ${kid ?? '?'}, ${vouchedBy === null ? "which is in the origin's own key set" : `for which the link ${vouchedBy} vouched`}`,
    own:
      said.sent.length > 0
        ? `written here; signed when it left (${said.sent.map((hash) => hash.slice(0, 12)).join(', ')})`
        : 'written here',
    vouched: why ?? '',
    unsigned: 'not signed; only the sender vouches for it',
    expired: why ?? '',
    broken: why ?? '',
  };
  return [
    `${signs[verdict]} ${said.at}  ${who} at ${origin}${hops.length > 0 ? `, via ${hops.join(', ')}` : ''}`,
    `    ${words[verdict]}${published === null ? '' : `; ${publishing[published]}`}`,
  ];
}

function jsonOf({ said, origin, hops, verdict, why, kid, vouchedBy, published }: Verified): Record<string, unknown> {
  const { id, instance, ticket, at, author, hash, sent } = said;
  return {
    id,
    instance,
    ticket,
    at,
    origin,
    via: hops,
    author: author?.name ?? null,
    verdict,
    why,
    kid,
    vouchedBy,
    published: published === null ? null : publishing[published],
    hash,
    sent,
  };
}

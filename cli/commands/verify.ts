/** `ferry verify <instance> <ticket>`: proves who said what on a ticket, through any number of hops. */
import { HelpdeskError } from '#connectors/contract/errors.ts';
import { fetchJson } from '#protocols/ferry/fetch-json.ts';
import { issuerOf, type Directory } from '#core/words/directory.ts';
import { loadDirectory } from '#db/exchange/directory.ts';
import { keyOf } from '#db/exchange/origin-keys.ts';
import { saidOn, type Said } from '#db/operate/said.ts';
import { findTicket } from '#db/operate/trace.ts';
import type { GlobalOptions } from '#cli/context.ts';
import type { CliDeps } from '#cli/deps.ts';
import { CliError, exitCodes } from '#cli/errors.ts';
import { localInstanceOrFail, withLinks } from '#cli/link/open.ts';
import { count } from '#cli/print-apply.ts';
import { printable } from '#cli/print.ts';
import { judge, type Judgement } from '#operate/verify/judge.ts';

export type VerifyOptions = GlobalOptions & { readonly offline?: boolean; readonly json?: boolean };

type Line = Judgement & {
  readonly said: Said;
  readonly origin: string;
  readonly hops: readonly string[];
  readonly published: string | null;
};

/** 1 where something does not hold, or there is nothing. */
export async function verify(instance: string, ticket: string, options: VerifyOptions, deps: CliDeps): Promise<number> {
  return withLinks(options, deps, { secrets: false }, async ({ db, publicUrl, http }) => {
    await localInstanceOrFail(db, instance);
    const directory = await loadDirectory(db, publicUrl());
    const id = await findTicket(db, instance, ticket);
    const all = id === null ? [] : await saidOn(db, instance, id);
    if (all.length === 0)
      throw new CliError(
        'unknown-ticket',
        exitCodes.no,
        `nothing is kept of ticket "${ticket}" of ${instance}; it was not carried, or what was is purged`,
      );
    const sets = options.offline === true ? null : createSets((url) => fetchJson(http(), url));
    const lines: Line[] = [];
    for (const said of all) {
      const found = await judge(said, directory, (origin, kid) => keyOf(db, origin, kid));
      const origin = issuerOf(directory, said.origin);
      lines.push({
        ...found,
        said,
        origin,
        hops: hopsOf(said, directory),
        published:
          found.verdict === 'holds' && sets !== null
            ? await sets.says(origin, found.kid ?? '', (await keyOf(db, origin, found.kid ?? ''))?.key)
            : null,
      });
    }
    const broken = lines.filter(({ verdict }) => verdict === 'broken').length;
    if (options.json === true) for (const line of lines) deps.out(`${JSON.stringify(jsonOf(line))}\n`);
    else {
      for (const line of lines) for (const text of textOf(line)) deps.out(`${printable(text)}\n`);
      const held = lines.filter(({ verdict }) => verdict === 'holds').length;
      deps.out(
        `${count(lines.length, 'action')}: ${held} proven by their origins' signatures${broken > 0 ? `, ${broken} not as they were signed` : ''}.\n`,
      );
    }
    return broken > 0 ? exitCodes.no : exitCodes.ok;
  });
}

/** Which gateways it has passed, its origin first. */
function hopsOf({ via, origin }: Said, directory: Directory): string[] {
  const [from, ...hops] = new Set([origin, ...via].map((hop) => issuerOf(directory, hop)));
  return from === undefined ? [] : hops;
}

function textOf({ said, origin, hops, verdict, why, kid, vouchedBy, published }: Line): string[] {
  const signs = { holds: '✓', own: '·', unsigned: '·', expired: '·', broken: '✗' } as const;
  const who = said.author === null ? 'somebody' : `${said.author.name || said.author.role}`;
  const words: Record<Judgement['verdict'], string> = {
    holds: `signed by its origin, key ${kid ?? '?'}, ${vouchedBy === null ? "which is in the origin's own key set" : `for which the link ${vouchedBy} vouched`}`,
    own:
      said.sent.length > 0
        ? `said here; signed when it left (${said.sent.map((hash) => hash.slice(0, 12)).join(', ')})`
        : 'said here',
    unsigned: 'not signed; only who brought it says so',
    expired: why ?? '',
    broken: why ?? '',
  };
  return [
    `${signs[verdict]} ${said.at}  ${who} at ${origin}${hops.length > 0 ? `, via ${hops.join(', ')}` : ''}`,
    `    ${words[verdict]}${published === null ? '' : `; ${published}`}`,
  ];
}

function jsonOf({ said, origin, hops, verdict, why, kid, vouchedBy, published }: Line): Record<string, unknown> {
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
    published,
    hash,
    sent,
  };
}

/** Whether an origin still publishes a key; asked once per origin, and no proof: the kept key is. */
function createSets(read: (url: string) => Promise<unknown>) {
  const asked = new Map<string, Promise<readonly Record<string, unknown>[] | null>>();
  const keysAt = async (origin: string): Promise<readonly Record<string, unknown>[] | null> => {
    try {
      const { keys } = (await read(`${origin}/jwks.json`)) as { keys?: unknown };
      return Array.isArray(keys) ? (keys as Record<string, unknown>[]) : null;
    } catch (error) {
      if (error instanceof HelpdeskError) return null;
      throw error;
    }
  };
  return {
    async says(origin: string, kid: string, kept: Readonly<Record<string, unknown>> | undefined): Promise<string> {
      const keys = asked.get(origin) ?? keysAt(origin);
      asked.set(origin, keys);
      const found = (await keys)?.find((key) => key['kid'] === kid);
      if ((await keys) === null) return 'the origin could not be asked';
      if (found === undefined) return 'the origin no longer publishes that key';
      return found['x'] === kept?.['x']
        ? 'the origin still publishes it'
        : 'the origin publishes ANOTHER key of that name';
    },
  };
}

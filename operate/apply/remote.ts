/**
 * Sides that somebody else sets: those of another gateway or an API client. A file can name them but not set them. Only pairing
 * makes such a link, never a file.
 */
import { suggestion } from '#core/words/nearest.ts';
import { isRemote } from '#core/words/reach.ts';
import { sideNames, type SideName } from '#core/words/vocabulary.ts';
import type { Finding, Path } from './fault.ts';
import type { Raw } from './merge.ts';
import { asMap } from './sides.ts';
import type { Stored } from './types.ts';

export type RemoteSides = {
  /** The file with every remote side filled in, so that the schema accepts it. */
  readonly value: unknown;
  /** Says whether a side, as `<link>/<side>`, is remote, also for links in the database. */
  has(side: string): boolean;
  readonly findings: readonly Finding[];
};

/** @param value what the file says */
export function remoteSides(value: unknown, stored: Stored): RemoteSides {
  const { federation } = stored;
  const remotes = [...federation.instances.values()].filter(({ type }) => isRemote(type)).map(({ id }) => id);
  const isFar = (id: unknown): boolean => typeof id === 'string' && remotes.includes(id);
  const known = new Set(
    [...federation.sides.values()].filter(({ instance }) => isFar(instance)).map(({ side }) => side),
  );
  const file = asMap(value);
  const findings: Finding[] = [];
  const links = Object.entries(asMap(file['links'])).map(([link, raw]): [string, unknown] => {
    if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) return [link, raw];
    const filled: Record<string, unknown> = { ...raw };
    const far: SideName[] = [];
    for (const name of sideNames) {
      const side = (raw as Raw)[name];
      const current = federation.sides.get(`${link}/${name}`)?.instance;
      const named = typeof side === 'string' ? side : asMap(side)['instance'];
      const isAbsent = side === undefined && known.has(`${link}/${name}`);
      if (!isAbsent && typeof side !== 'string' && !isFar(named)) continue;
      const instance = isAbsent ? current : named;
      const path: Path = ['links', link, name];
      filled[name] = { instance: typeof instance === 'string' ? instance : '-', account: { name: '-' } };
      if (!isFar(instance)) {
        // Report nothing else about it.
        known.add(`${link}/${name}`);
        findings.push(notFar(path, String(named), remotes, federation.instances.has(String(named))));
        continue;
      }
      far.push(name);
      known.add(`${link}/${name}`);
      findings.push(...ownBusiness(path, side));
      if (current === undefined) findings.push(unpaired(path, String(instance)));
      else if (current !== instance)
        findings.push({
          code: 'instance-fixed',
          path: typeof side === 'string' ? path : [...path, 'instance'],
          message: `The ${name} of this link is ${current}, and its tickets are there.`,
          fix: 'Pair again to make another link, with a different id.',
        });
    }
    if (far.length === 2)
      findings.push({
        code: 'no-own-side',
        path: ['links', link],
        at: 'key',
        message: 'Neither side of this link is driven by this gateway.',
        fix: 'Name one of its own instances on one side.',
      });
    return [link, filled];
  });
  return {
    value: links.length === 0 ? value : { ...file, links: Object.fromEntries(links) },
    has: (side) => known.has(side),
    findings,
  };
}

function notFar(path: Path, named: string, remotes: readonly string[], isKnown: boolean): Finding {
  return isKnown
    ? {
        code: 'side-without-settings',
        path,
        message: `${named} is driven by this gateway, so this side needs its settings.`,
        fix: 'Write them: {instance: …, account: {name: …}}; docs/settings.md lists them all.',
      }
    : {
        code: 'unknown-instance',
        path,
        message: `There is no peer or API instance "${named}".`,
        fix:
          remotes.length === 0
            ? 'Create one by pairing (ferry link invite) or with ferry client add.'
            : suggestion(named, remotes),
      };
}

function unpaired(path: Path, instance: string): Finding {
  return {
    code: 'not-paired',
    path,
    message: `This link does not exist yet, and a file can't create a link with ${instance}.`,
    fix: 'Pair it first: ferry link invite here, ferry link accept there; for an API client, ferry client add.',
  };
}

/** Refuses all keys but the instance, because the other side sets them. */
function ownBusiness(path: Path, side: unknown): Finding[] {
  return Object.keys(asMap(side))
    .filter((key) => key !== 'instance')
    .map((key) => ({
      code: 'far-settings',
      path: [...path, key],
      at: 'key' as const,
      message: `The other side sets its own ${key}; this file can't.`,
      fix: 'Remove it.',
    }));
}

/**
 * Which of the last actions would end otherwise by settings that are not applied yet: of every link that they concern,
 * also of those that only extend a changed profile. Both times the code that carries decides, as if each action had just
 * been recorded.
 */
import { lastDeliveries } from '#db/operate/preview.ts';
import { loadFederation } from '#db/settings/settings.ts';
import { bringTo, type ApplyOptions, type ApplyResult } from '#operate/apply/apply.ts';
import { isSame } from '#operate/apply/canonical.ts';
import { readSource } from '#operate/apply/document.ts';
import type { SecretSource } from '#operate/apply/types.ts';
import type { AsIf, PreviewOperator } from '#operate/operator.ts';
import { Refused } from '#operate/refused.ts';
import { allow, everywhere } from '#operate/rights.ts';
import { asThen } from './as-then.ts';
import { previewedOf, shownOf, type Previewed, type ShownWould } from './entry.ts';

/** What a change of settings makes of one link's last actions. */
export type LinkChange = {
  readonly link: string;
  /** Actions that were decided both ways. */
  readonly looked: number;
  /** Those of which nothing is kept any more. */
  readonly expired: number;
  readonly otherwise: readonly (Previewed & { readonly before: ShownWould; readonly after: ShownWould })[];
};

export type ChangeOptions = {
  /** Only this link. */
  readonly link?: string | undefined;
  /** Actions of each link: 100 unless given, 1,000 at most. */
  readonly last?: number | undefined;
  /** With the texts of notes. */
  readonly notes?: boolean | undefined;
};

const usual = 100;
const most = 1_000;
/** Of all links together. */
const mostOfAll = 20_000;
const patienceMs = 10 * 60_000;

export type FilePreview = { readonly result: ApplyResult; readonly links: readonly LinkChange[] };

/**
 * Of a file, which is checked as `ferry apply --dry-run` does, and so takes the same right: it names addresses and secrets.
 * @throws Refused wrong-limit
 */
export async function previewFile(
  operator: PreviewOperator,
  yamlText: string,
  secrets: SecretSource,
  options: ChangeOptions & Pick<ApplyOptions, 'unchecked'> = {},
): Promise<FilePreview> {
  allow(operator, 'apply', everywhere);
  let links: readonly LinkChange[] = [];
  const consider = async (asIf: AsIf): Promise<void> => void (links = await considered(operator, asIf, options));
  const result = await tried(operator, yamlText, secrets, consider, options.unchecked ?? false);
  return { result, links };
}

export type FileSettings = {
  readonly result: ApplyResult;
  /** What would be in force otherwise than it is; absent where the file is wrong or changes nothing. */
  readonly asIf: AsIf | undefined;
};

/** What a file would put in force, checked as `ferry apply --dry-run` does; for a preview of a ticket. */
export async function settingsOf(
  operator: PreviewOperator,
  yamlText: string,
  secrets: SecretSource,
  options: Pick<ApplyOptions, 'unchecked'> = {},
): Promise<FileSettings> {
  allow(operator, 'apply', everywhere);
  let asIf: AsIf | undefined;
  const consider = async (found: AsIf): Promise<void> => void (asIf = found);
  const result = await tried(operator, yamlText, secrets, consider, options.unchecked ?? false);
  return { result, asIf };
}

function tried(
  operator: Parameters<typeof bringTo>[0],
  yamlText: string,
  secrets: SecretSource,
  consider: (asIf: AsIf) => Promise<void>,
  unchecked: boolean,
): Promise<ApplyResult> {
  const options = { dryRun: true, unchecked, consider };
  return bringTo(operator, readSource(yamlText), secrets, options, { what: 'apply', detail: {} });
}

/** For verbs that have asked for their own right. @throws Refused wrong-limit */
export async function considered(
  { db, wouldOf }: Pick<PreviewOperator, 'db' | 'wouldOf'>,
  asIf: AsIf,
  { link: only, last = usual, notes = false }: ChangeOptions = {},
): Promise<readonly LinkChange[]> {
  if (!Number.isInteger(last) || last < 1 || last > most)
    throw new Refused('wrong-limit', 'wrong', `the last 1 to ${most} actions of a link can be looked at, not ${last}`);
  const signal = AbortSignal.timeout(patienceMs);
  const { sides } = await loadFederation(db);
  const concerned = [...sides.values()].flatMap(({ side, link, instance }) =>
    asIf.sides.has(side) || asIf.catalogues.has(instance) ? [link] : [],
  );
  const changes: LinkChange[] = [];
  let left = mostOfAll;
  for (const link of [...new Set(concerned)].toSorted()) {
    if ((only !== undefined && link !== only) || left === 0) continue;
    const found = await lastDeliveries(db, link, Math.min(last, left));
    left -= found.length;
    const kept = found.filter(({ context }) => context.action.words !== null && context.action.author !== null);
    const otherwise: LinkChange['otherwise'][number][] = [];
    for (const one of kept) {
      const context = asThen(one.context);
      const before = await wouldOf(context, { asThen: true, signal });
      const after = await wouldOf(context, { asIf, asThen: true, signal });
      if (isSame(before, after)) continue;
      otherwise.push({ ...previewedOf(one), before: shownOf(before, notes), after: shownOf(after, notes) });
    }
    changes.push({ link, looked: kept.length, expired: found.length - kept.length, otherwise });
  }
  return changes;
}

/** Runs core's lint on links, and maps its findings back to their places in the file. */
import { lintLink } from '#core/lint/lint.ts';
import { otherSide } from '#core/words/ends.ts';
import type { LinkSettings } from '#core/rules/settings.ts';
import type { Catalogue, SideName } from '#core/words/vocabulary.ts';
import { sideNames } from '#core/words/vocabulary.ts';
import { pathText, type Finding, type Path } from './fault.ts';
import type { JoinedSide, SideInFile } from './sides.ts';
import type { Stored } from './types.ts';

type LintSide = {
  readonly instance: string | null;
  readonly joined: JoinedSide;
};

type LintInput = {
  readonly customer: LintSide;
  readonly supplier: LintSide;
  readonly catalogues: ReadonlyMap<string, Catalogue>;
  /** Display names of instances. */
  readonly names: ReadonlyMap<string, string>;
  readonly remote: SideName | undefined;
};

type Told = {
  /** What can't be saved. */
  readonly findings: readonly Finding[];
  /** What can be, and somebody should look. */
  readonly advice: readonly Finding[];
};

function lintFindings({ customer, supplier, catalogues, names, remote }: LintInput): Told {
  const catalogueOf = ({ instance }: LintSide): Catalogue | null => catalogues.get(instance ?? '') ?? null;
  const nameOf = ({ instance }: LintSide, fallback: string): string =>
    names.get(instance ?? '') ?? instance ?? fallback;
  const found = lintLink({
    customer: customer.joined.settings,
    supplier: supplier.joined.settings,
    customerCatalogue: catalogueOf(customer),
    supplierCatalogue: catalogueOf(supplier),
    names: { customer: nameOf(customer, 'the customer'), supplier: nameOf(supplier, 'the supplier') },
    remote,
  });
  const inFile = found.flatMap(({ code, severity, place: [side, ...rest], why, fix }) => {
    const { joined } = side === 'supplier' ? supplier : customer;
    const path = joined.original(rest);
    const isRemoved = joined.removed.some((gone) => isWithin(path, gone) || isWithin(gone, path));
    return isRemoved ? [] : [{ severity, finding: { code, path, message: why, fix } }];
  });
  const of = (wanted: 'error' | 'warning'): Finding[] =>
    inFile.flatMap(({ severity, finding }) => (severity === wanted ? [finding] : []));
  return { findings: of('error'), advice: of('warning') };
}

function isWithin(path: Path, other: Path): boolean {
  return other.every((step, at) => path[at] === step);
}

export type LintContext = {
  readonly usable: ReadonlyMap<string, Catalogue>;
  /** Display names of instances. */
  readonly names: ReadonlyMap<string, string>;
  readonly stored: Stored;
  /** Says whether a side, as `<link>/<side>`, is set by somebody else. */
  readonly isRemote: (side: string) => boolean;
};

/** Checks every link that the file names or whose side it changes. */
export function lintAll(
  sides: ReadonlyMap<string, SideInFile>,
  links: ReadonlyMap<string, LinkSettings>,
  { usable, names, stored, isRemote }: LintContext,
): Told & { readonly warnings: readonly string[] } {
  const ids = new Set([...links.keys(), ...[...sides.values()].map((side) => side.link)]);
  const findings: Finding[] = [];
  const advice: Finding[] = [];
  const warnings: string[] = [];
  for (const link of ids) {
    const [customer, supplier] = sideNames.map((name) => lintSide(link, name, sides, stored));
    if (!customer || !supplier) continue;
    const far = sideNames.find((name) => isRemote(`${link}/${name}`));
    const remote = far === 'customer' ? customer : supplier;
    const offered = far === undefined ? null : offeredBy(remote, stored);
    const catalogues = offered === null ? usable : new Map([...usable, [remote.instance ?? '', offered]]);
    const told = lintFindings({ customer, supplier, catalogues, names, remote: far });
    findings.push(...told.findings);
    for (const finding of told.advice)
      if (finding.code === 'unknown-name')
        warnings.push(`${pathText(finding.path)}: ${finding.message} ${finding.fix}`);
      else advice.push(finding);
    if (far !== undefined && offered === null)
      warnings.push(
        `${link}: what ${names.get(remote.instance ?? '') ?? remote.instance ?? 'the other side'} offers is not known yet, so names of its side in ${otherSide(far)} were not checked.`,
      );
  }
  return { findings, advice, warnings };
}

/** Returns the other side's catalogue as last received; null if there is none yet. */
function offeredBy({ instance }: LintSide, stored: Stored): Catalogue | null {
  const catalogue = stored.catalogues.get(instance ?? '')?.catalogue;
  return catalogue === undefined || catalogue.kinds.length + catalogue.statuses.length === 0 ? null : catalogue;
}

function lintSide(
  link: string,
  name: SideName,
  sides: ReadonlyMap<string, SideInFile>,
  stored: Stored,
): LintSide | null {
  const inFile = sides.get(`${link}/${name}`);
  if (inFile !== undefined) return inFile;
  const side = stored.federation.sides.get(`${link}/${name}`);
  if (side === undefined) return null;
  const original = (path: Path): Path => ['links', link, name, ...path];
  return {
    instance: side.instance,
    joined: { own: side.own ?? {}, settings: side.settings, removed: [], original },
  };
}

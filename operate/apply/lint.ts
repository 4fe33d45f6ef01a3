/** Runs core's lint on links, and maps its findings back to their places in the file. */
import { lintLink } from '#core/lint/lint.ts';
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
};

function lintFindings({ customer, supplier, catalogues, names }: LintInput): Finding[] {
  const catalogueOf = ({ instance }: LintSide): Catalogue | null => catalogues.get(instance ?? '') ?? null;
  const nameOf = ({ instance }: LintSide, fallback: string): string =>
    names.get(instance ?? '') ?? instance ?? fallback;
  const faults = lintLink({
    customer: customer.joined.settings,
    supplier: supplier.joined.settings,
    customerCatalogue: catalogueOf(customer),
    supplierCatalogue: catalogueOf(supplier),
    names: { customer: nameOf(customer, 'the customer'), supplier: nameOf(supplier, 'the supplier') },
  });
  return faults.flatMap(({ code, path: [side, ...rest], message, fix }) => {
    const { joined } = side === 'supplier' ? supplier : customer;
    const path = joined.original(rest);
    return joined.removed.some((gone) => isWithin(path, gone) || isWithin(gone, path))
      ? []
      : [{ code, path, message, fix }];
  });
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
): { readonly findings: readonly Finding[]; readonly warnings: readonly string[] } {
  const ids = new Set([...links.keys(), ...[...sides.values()].map((side) => side.link)]);
  const findings: Finding[] = [];
  const warnings: string[] = [];
  for (const link of ids) {
    const [customer, supplier] = sideNames.map((name) => lintSide(link, name, sides, stored));
    if (!customer || !supplier) continue;
    const far = sideNames.find((name) => isRemote(`${link}/${name}`));
    if (far === undefined) {
      findings.push(...lintFindings({ customer, supplier, catalogues: usable, names }));
      continue;
    }
    const own = far === 'customer' ? supplier : customer;
    const remote = far === 'customer' ? customer : supplier;
    const offered = offeredBy(remote, stored);
    const catalogues = offered === null ? usable : new Map([...usable, [remote.instance ?? '', offered]]);
    // We don't check what the other side sets.
    const ours = ({ path }: Finding): boolean => path[2] !== far;
    const without = lintFindings({ customer, supplier, catalogues: usable, names }).filter(ours);
    const isSure = new Set(without.map((finding) => JSON.stringify(finding)));
    for (const finding of lintFindings({ customer, supplier, catalogues, names }).filter(ours))
      // The other side may offer the name tomorrow, and shows only a part of its catalogue.
      if (finding.code !== 'unknown-name' || isSure.has(JSON.stringify(finding))) findings.push(finding);
      else warnings.push(`${pathText(finding.path)}: ${finding.message} ${finding.fix}`);
    if (offered === null)
      warnings.push(
        `${link}: what ${names.get(remote.instance ?? '') ?? remote.instance ?? 'the other side'} offers is not known yet, so names of its side in ${own === customer ? 'customer' : 'supplier'} were not checked.`,
      );
  }
  return { findings, warnings };
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

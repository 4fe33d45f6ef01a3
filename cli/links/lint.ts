/** What core's lint says about a link, brought back to where it stands in the file. */
import { lintLink } from '#core/lint.ts';
import type { LinkSettings } from '#core/settings.ts';
import type { Catalogue, SideName } from '#core/vocabulary.ts';
import { sideNames } from '#core/vocabulary.ts';
import type { Finding, Path } from './fault.ts';
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

/** Every link that the file names or whose side it changes. */
export function lintAll(
  sides: ReadonlyMap<string, SideInFile>,
  links: ReadonlyMap<string, LinkSettings>,
  catalogues: ReadonlyMap<string, Catalogue>,
  names: ReadonlyMap<string, string>,
  stored: Stored,
): Finding[] {
  const ids = new Set([...links.keys(), ...[...sides.values()].map((side) => side.link)]);
  return [...ids].flatMap((link) => {
    const [customer, supplier] = sideNames.map((name) => lintSide(link, name, sides, stored));
    if (!customer || !supplier) return [];
    return lintFindings({ customer, supplier, catalogues, names });
  });
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

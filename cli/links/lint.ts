/** What core's lint says about a link, brought back to where it stands in the file. */
import { lintLink } from '#core/lint.ts';
import type { Catalogue } from '#core/vocabulary.ts';
import type { Finding, Path } from './fault.ts';
import type { JoinedSide } from './sides.ts';

export type LintSide = {
  readonly instance: string | null;
  readonly joined: JoinedSide;
};

export type LintInput = {
  readonly customer: LintSide;
  readonly supplier: LintSide;
  readonly catalogues: ReadonlyMap<string, Catalogue>;
  /** Display names of instances. */
  readonly names: ReadonlyMap<string, string>;
};

export function lintFindings({ customer, supplier, catalogues, names }: LintInput): Finding[] {
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

/** What is wrong, or worth a look, with the settings in force of links. Asks no desk: what they offer is as last read. */
import { lintLink, type Finding } from '#core/lint/lint.ts';
import { placeText } from '#core/lint/finding.ts';
import { linksToLint, loadLinkToLint } from '#db/settings/link-to-lint.ts';
import { linkOf } from '#operate/known.ts';
import type { Operator } from '#operate/operator.ts';
import { allow, reaches } from '#operate/rights.ts';

export type LintedFinding = Omit<Finding, 'place'> & {
  /** `customer.inbound.actions[0].to` */
  readonly place: string;
  /** In the documentation. */
  readonly page: string;
};

export type LintedLink = {
  readonly link: string;
  readonly findings: readonly LintedFinding[];
  /** Instances whose catalogue is not known, so that names of theirs were not checked. */
  readonly unknown: readonly string[];
};

/** @param link only this one @throws Refused unknown-link */
export async function lintLinks(operator: Operator, link?: string): Promise<readonly LintedLink[]> {
  allow(operator, 'lint', link === undefined ? undefined : { link });
  const { db, actor } = operator;
  if (link !== undefined) await linkOf(operator, link);
  const ids = link === undefined ? (await linksToLint(db)).filter((id) => reaches(actor, id)) : [link];
  const linted: LintedLink[] = [];
  for (const id of ids) {
    const loaded = await loadLinkToLint(db, id);
    if (loaded === null) continue;
    const { input, instances } = loaded;
    linted.push({
      link: id,
      findings: lintLink(input).map((one) => ({
        ...one,
        place: placeText(one.place),
        page: `docs/findings/${one.code}.md`,
      })),
      unknown: [
        ...(input.customerCatalogue === null ? [instances.customer] : []),
        ...(input.supplierCatalogue === null ? [instances.supplier] : []),
      ],
    });
  }
  return linted;
}

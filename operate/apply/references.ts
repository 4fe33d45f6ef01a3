/** Checks that a link refers to existing instances and profiles, and that its two instances stay the same. */
import { suggestion } from '#core/words/nearest.ts';
import type { CheckedInstance } from './instances.ts';
import type { Finding, Path } from './fault.ts';
import type { Part, SideInFile } from './sides.ts';
import type { Stored } from './types.ts';

/** Checks a link. @param both its sides, as far as they exist; customer first */
export function referenceFindings(
  both: readonly SideInFile[],
  instances: ReadonlyMap<string, CheckedInstance>,
  stored: Stored,
  profiles: ReadonlyMap<string, Part>,
): Finding[] {
  const findings: Finding[] = [];
  const known = [...new Set([...instances.keys(), ...stored.federation.instances.keys()])];
  for (const { link, name, instance, profile } of both) {
    const path: Path = ['links', link, name];
    if (instance !== null && !known.includes(instance))
      findings.push({
        code: 'unknown-instance',
        path: [...path, 'instance'],
        message: `There is no instance "${instance}".`,
        fix: suggestion(instance, known),
      });
    if (profile !== null && !profiles.has(profile))
      findings.push({
        code: 'unknown-profile',
        path: [...path, 'extends'],
        message: `There is no profile "${profile}".`,
        fix: suggestion(profile, [...profiles.keys()]),
      });
    const before = stored.federation.sides.get(`${link}/${name}`)?.instance;
    if (before !== undefined && instance !== null && before !== instance)
      findings.push({
        code: 'instance-fixed',
        path: [...path, 'instance'],
        message: `The ${name} of this link is ${before}, and its tickets are there.`,
        fix: 'Add a link with a different id for the other helpdesk.',
      });
  }
  const [customer, supplier] = both;
  if (customer?.instance && customer.instance === supplier?.instance)
    findings.push({
      code: 'same-instance',
      path: ['links', supplier.link, 'supplier', 'instance'],
      message: 'Customer and supplier are the same instance.',
      fix: 'Name the other helpdesk.',
    });
  return findings;
}

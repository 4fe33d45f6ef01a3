/** Exports everything that was carried on a link, for records. */
import { exportLink as linesOf } from '#db/links/link-export.ts';
import { linkOf } from '#operate/known.ts';
import type { Operator } from '#operate/operator.ts';
import { allow } from '#operate/rights.ts';

/** Yields objects of the types `link`, `mirror`, `action`, `delivery`; files are listed by digest. @throws Refused unknown-link */
export async function* exportLink(operator: Operator, link: string): AsyncGenerator<Record<string, unknown>> {
  allow(operator, 'link-export', { link });
  await linkOf(operator, link);
  yield* linesOf(operator.db, link);
}

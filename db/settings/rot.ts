/**
 * Settings that fitted when they were saved and no longer do, because a desk offers something else now. What is new
 * becomes a notice of its link, once; the notice is cleared when the finding is gone.
 */
import { createHash } from 'node:crypto';
import { sql } from 'drizzle-orm';
import { lintLink, type Finding, type LintInput } from '#core/lint/lint.ts';
import { placeText } from '#core/lint/finding.ts';
import type { Catalogue } from '#core/words/vocabulary.ts';
import type { Db } from '#db/base/client.ts';
import { raiseNotice } from '#db/base/notices.ts';
import { textArray } from '#db/base/text-array.ts';
import { linksToLint, loadLinkToLint, offered, type LinkToLint } from './link-to-lint.ts';

/** Notices that one change raises on one link; what is more, `ferry lint` shows. */
const mostNotices = 20;

/**
 * To be called before the changed catalogue is saved: who is killed in between reads and tells it again, and a notice
 * that is raised twice only counts.
 * @param except links whose settings are saved with it, and shown to who saves them
 * @returns how many findings are new
 */
export async function noteRot(
  db: Db,
  instance: string,
  catalogue: { readonly before: Catalogue | null; readonly after: Catalogue },
  except: ReadonlySet<string> = new Set(),
): Promise<number> {
  let count = 0;
  for (const link of await linksToLint(db, instance)) {
    if (except.has(link)) continue;
    const loaded = await loadLinkToLint(db, link);
    if (loaded === null) continue;
    const known = new Set(lintLink(withCatalogue(loaded, instance, catalogue.before)).flatMap(keysOf));
    const found = lintLink(withCatalogue(loaded, instance, catalogue.after));
    const fresh = found.filter((one) => keysOf(one).some((key) => !known.has(key)));
    for (const one of fresh.slice(0, mostNotices))
      await raiseNotice(db, { link, cause: causeOf(one), text: textOf(link, one, fresh.length - mostNotices) });
    await clearRot(db, link, found);
    count += fresh.length;
  }
  return count;
}

/** After settings were saved: clears notices about the link that no longer apply. */
export async function clearMended(db: Db, link: string): Promise<void> {
  const loaded = await loadLinkToLint(db, link);
  await clearRot(db, link, loaded === null ? [] : lintLink(loaded.input));
}

async function clearRot(db: Db, link: string, found: readonly Finding[]): Promise<void> {
  const causes = textArray(found.map(causeOf));
  await db.execute(
    sql`update notices set cleared_at = now()
      where link = ${link} and cleared_at is null and cause like 'lint/%' and not (cause = any(${causes}))`,
  );
}

function withCatalogue({ input, instances }: LinkToLint, instance: string, catalogue: Catalogue | null): LintInput {
  const at = (side: 'customer' | 'supplier', other: Catalogue | null): Catalogue | null =>
    instances[side] === instance ? offered(input.remote === side, catalogue) : other;
  return {
    ...input,
    customerCatalogue: at('customer', input.customerCatalogue),
    supplierCatalogue: at('supplier', input.supplierCatalogue),
  };
}

/** What a finding says, name by name: one that is about fewer names than before says nothing new. */
function keysOf(one: Finding): readonly string[] {
  const at = `${one.code}/${placeText(one.place)}`;
  return (one.names ?? [one.why]).map((what) => `${at}/${what}`);
}

/** The same finding with another text is another notice. */
function causeOf({ code, severity, place, why }: Finding): string {
  const words = createHash('sha256').update(why).digest('hex').slice(0, 8);
  return `lint/${severity}/${code}/${placeText(place)}/${words}`;
}

function textOf(link: string, { code, place, why, fix }: Finding, more: number): string {
  const others = more > 0 ? ` There is more of it: ferry lint ${link}` : '';
  return `${link}: since a desk offers something else, ${placeText(place)} no longer fits. ${why} ${fix} [${code}]${others}`;
}

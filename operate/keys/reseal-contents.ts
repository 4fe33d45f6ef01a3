/** Seals contents with the current key: those stored before it was set, and those that an older key sealed. */
import {
  contentColumns,
  forgetContentKeys,
  hasContent,
  sealRow,
  unsealedPage,
  type ContentRow,
} from '#db/operate/reseal-contents.ts';
import { change, changed, unchanged } from '#operate/change.ts';
import type { Operator } from '#operate/operator.ts';
import { Refused } from '#operate/refused.ts';
import { allow, everywhere } from '#operate/rights.ts';

export type ResealedContents = {
  /** The number of values in rows. */
  readonly resealed: number;
  /** Names of keys that no content needs any more. */
  readonly forgotten: readonly string[];
};

/** How many values to seal in one transaction. */
const batch = 200;

/**
 * Seals them. May be interrupted and repeated: it does not read sealed values again. Gateways and workers keep running.
 * @param progress receives the number so far, after each batch @throws Refused no-content-key; ContentKeyError
 */
export async function resealContents(
  operator: Operator,
  progress?: (resealed: number) => void,
): Promise<ResealedContents> {
  allow(operator, 'key-reseal', everywhere);
  const { db, sealer } = operator;
  if (sealer === null)
    throw new Refused('no-content-key', 'setup', 'there is no key to seal contents with; set FERRY_CONTENT_KEY');
  let resealed = 0;
  for (const column of contentColumns)
    for (let after: readonly string[] | null = null; ;) {
      const page: ContentRow[] = await unsealedPage(db, column, sealer, after, batch);
      if (page.length > 0)
        resealed += await change(operator, async (tx) => {
          let done = 0;
          for (const row of page) if (hasContent(column, row, sealer) && (await sealRow(tx, column, row))) done += 1;
          if (done === 0) return unchanged(0);
          const subject = `contents/${column.table}`;
          return changed(done, {
            what: 'key-reseal',
            subject,
            detail: { column: column.column, resealed: done, key: sealer.kid },
          });
        });
      progress?.(resealed);
      if (page.length < batch) break;
      after = page.at(-1)?.key ?? null;
    }
  const forgotten = await change(operator, async (tx) => {
    const gone = await forgetContentKeys(tx, sealer.kid);
    if (gone.length === 0) return unchanged(gone);
    return changed(gone, { what: 'key-forget', subject: 'contents', detail: { keys: gone, key: sealer.kid } });
  });
  return { resealed, forgotten };
}

/** Answers a request to erase from the other side of a link: erases, or refuses. The other side learns it when it asks next. */
import { randomUUID } from 'node:crypto';
import { eraseActions } from '#db/operate/erase.ts';
import { linksOf } from '#db/operate/erase-find.ts';
import { answerReceived, askErasure, erasureBy, type Erasure } from '#db/operate/erasures.ts';
import { change, changed } from '#operate/change.ts';
import { isUuid } from '#operate/known.ts';
import type { Operator } from '#operate/operator.ts';
import { Refused } from '#operate/refused.ts';
import { allow, everywhere } from '#operate/rights.ts';

export type ErasureAnswered = {
  readonly state: 'done' | 'refused';
  readonly link: string;
  readonly actions: number;
  readonly skipped: number;
  readonly files: number;
  /** Other links whose gateways are asked in turn. */
  readonly asked: readonly string[];
};

const atOnce = 500;

/** Answers. @param because the reason, for the other side @throws Refused unknown-erasure, answered-already */
export async function answerErasure(
  operator: Operator,
  id: string,
  { refuse, because }: { readonly refuse: boolean; readonly because?: string | undefined },
): Promise<ErasureAnswered> {
  allow(operator, 'erase', everywhere);
  const { db } = operator;
  const received = isUuid(id) ? await erasureBy(db, id, 'in') : [];
  const open = received.find(({ state }) => state === 'waiting');
  if (open === undefined) throw noneOpen(id, received);
  const { link, actions } = open;
  const subject = `links/${link}`;
  const nothing = { actions: 0, skipped: 0, files: 0 };
  const answered = (): Refused => noneOpen(id, [{ ...open, state: 'done' }]);
  if (refuse)
    return change(operator, async (tx) => {
      if (!(await answerReceived(tx, open, 'refused', because ?? null))) throw answered();
      return changed({ state: 'refused', link, ...nothing, asked: [] } as const, {
        what: 'erase-refuse',
        subject,
        detail: { erasure: id, because: because ?? null },
      });
    });

  const asked = new Set<string>();
  const total = { ...nothing };
  for (let at = 0; at < Math.max(actions.length, 1); at += atOnce) {
    const some = actions.slice(at, at + atOnce);
    const shares = (await linksOf(db, some)).filter((one) => one.link !== link && one.far === 'peer');
    const further = randomUUID();
    await change(operator, async (tx) => {
      const done = await eraseActions(tx, some);
      for (const share of shares) if (await askErasure(tx, further, share.link, share.actions)) asked.add(share.link);
      const isLast = at + atOnce >= actions.length;
      if (isLast && !(await answerReceived(tx, open, 'done', because ?? null))) throw answered();
      total.actions += done.actions;
      total.skipped += done.skipped;
      total.files += done.files;
      return changed(null, { what: 'erase', subject, detail: { erasure: id, askedBy: 'the other side', ...done } });
    });
  }
  return { state: 'done', link, ...total, asked: [...asked] };
}

function noneOpen(id: string, received: readonly Pick<Erasure, 'state'>[]): Refused {
  return received.length === 0
    ? new Refused(
        'unknown-erasure',
        'unknown',
        `there is no request to erase with the id "${id}"; see ferry erase status`,
      )
    : new Refused('answered-already', 'state', `the request ${id} has already been answered`);
}

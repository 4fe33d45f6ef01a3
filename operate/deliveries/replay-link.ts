/**
 * Carries what was refused on a link once more, by today's settings: all of it, chosen ones, or those of a time. First it
 * is decided as the carrier would; what would be refused again is left alone. Harmless to repeat: what was carried is no
 * longer refused. No end user is mailed unless that is asked for.
 */
import { isRemote } from '#core/words/reach.ts';
import { namedDeliveries } from '#db/operate/preview.ts';
import { deliveriesOfLink, refusedOn, replayDelivery } from '#db/operate/replay.ts';
import { change, changed, unchanged } from '#operate/change.ts';
import { isUuid, linkOf } from '#operate/known.ts';
import type { PreviewOperator } from '#operate/operator.ts';
import { previewedOf, shownOf, type Previewed, type ShownWould } from '#operate/preview/entry.ts';
import { Refused } from '#operate/refused.ts';
import { allow } from '#operate/rights.ts';

export type ReplayQuestion = {
  readonly link: string;
  /** Only these deliveries; absent: every refused one. */
  readonly deliveries?: readonly string[] | undefined;
  /** Only those that were refused then: instants; `since` counts, `until` does not. */
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  /** End users are mailed where the settings say so. */
  readonly mail?: boolean | undefined;
  readonly dryRun?: boolean | undefined;
  /** With the texts of notes. */
  readonly notes?: boolean | undefined;
  /** Asked before anything is carried; absent: yes. Not asked where nothing would be. */
  readonly confirm?: (found: readonly ReplayEntry[]) => Promise<boolean>;
};

/** `replay`: it is carried, or would be. The others stay as they are, and `why` says why. */
export type ReplayEntry = Previewed & {
  readonly becomes: 'replay' | 'stays';
  readonly why: 'still' | 'elsewhere' | 'opens' | 'expired' | null;
  /** What carrying would make of it now; null where that is not asked here. */
  readonly would: ShownWould | null;
};

export type ReplayResult = {
  readonly outcome: 'nothing' | 'dry-run' | 'declined' | 'replayed';
  readonly entries: readonly ReplayEntry[];
  /** How many are carried once more; some may have been dealt with by somebody else meanwhile. */
  readonly replayed: number;
  /** There are more: do it again. */
  readonly more: boolean;
};

/** At one time. */
const most = 500;
const patienceMs = 10 * 60_000;

/** @throws Refused unknown-link, not-an-id, unknown-delivery */
export async function replayLink(operator: PreviewOperator, question: ReplayQuestion): Promise<ReplayResult> {
  allow(operator, 'replay', question);
  const { db } = operator;
  const { link, deliveries, since, until, mail = false, dryRun = false, confirm } = question;
  await linkOf(operator, link);
  if (deliveries !== undefined) await assertOnLink(operator, link, deliveries);
  const ids = await refusedOn(db, link, { ids: deliveries, since, until, limit: most + 1 });
  const more = ids.length > most;
  const entries = await entriesOf(operator, ids.slice(0, most), { mail, notes: question.notes ?? false });
  const wanted = entries.filter(({ becomes }) => becomes === 'replay');
  if (wanted.length === 0) return { outcome: 'nothing', entries, replayed: 0, more };
  if (dryRun) return { outcome: 'dry-run', entries, replayed: 0, more };
  if (confirm !== undefined && !(await confirm(entries))) return { outcome: 'declined', entries, replayed: 0, more };

  const wake = new Set<string>();
  let replayed = 0;
  for (const { delivery } of wanted) {
    // One by one: whatever ends this in between, the rest is still refused and the next time's to do.
    const to = await change(operator, async (tx) => {
      const done = await replayDelivery(tx, delivery ?? '', !mail);
      if (!done.done) return unchanged(null);
      return changed(done.to, {
        what: 'replay',
        subject: `deliveries/${delivery ?? ''}`,
        detail: { link, to: done.to, refusedFor: done.refused?.code ?? null, mail },
      });
    });
    if (to === null) continue;
    wake.add(to);
    replayed += 1;
  }
  await operator.wake([...wake]);
  return { outcome: 'replayed', entries, replayed, more };
}

async function assertOnLink({ db }: Pick<PreviewOperator, 'db'>, link: string, ids: readonly string[]): Promise<void> {
  for (const id of ids)
    if (!isUuid(id))
      throw new Refused(
        'not-an-id',
        'wrong',
        `"${id}" is not the id of a delivery; ferry status and ferry trace show the ids`,
      );
  const found = new Set(await deliveriesOfLink(db, link, ids));
  const missing = ids.filter((id) => !found.has(id.toLowerCase()));
  if (missing.length > 0)
    throw new Refused(
      'unknown-delivery',
      'unknown',
      `on ${link} there is no delivery ${missing.join(', ')}; ferry trace shows the ids`,
    );
}

/** Decided as it would be now, in the order in which they were recorded. */
async function entriesOf(
  { db, wouldOf }: Pick<PreviewOperator, 'db' | 'wouldOf'>,
  ids: readonly string[],
  { mail, notes }: { readonly mail: boolean; readonly notes: boolean },
): Promise<readonly ReplayEntry[]> {
  const signal = AbortSignal.timeout(patienceMs);
  const found = new Map((await namedDeliveries(db, ids)).map((one) => [one.context.delivery.id, one]));
  const entries: ReplayEntry[] = [];
  for (const id of ids) {
    const one = found.get(id);
    if (one === undefined) continue;
    const { context } = one;
    const { delivery, mirror, action, to } = context;
    const stays = (why: ReplayEntry['why'], would: ShownWould | null = null): ReplayEntry => ({
      ...previewedOf(one),
      ...{ becomes: 'stays', why, would },
    });
    if (isRemote(to.type)) entries.push(stays('elsewhere'));
    else if (delivery.escalation && mirror.openedBy === action.id) entries.push(stays('opens'));
    else if (action.words === null || action.author === null) entries.push(stays('expired'));
    else {
      const again = {
        ...context,
        delivery: { ...delivery, heldAt: null, heldMs: null, releasedAt: context.now, quiet: !mail },
      };
      const would = await wouldOf(again, { asThen: false, signal });
      const shown = shownOf(would, notes);
      const isCarried = would.verdict === 'apply' || would.verdict === 'hold';
      entries.push(
        isCarried ? { ...previewedOf(one), becomes: 'replay', why: null, would: shown } : stays('still', shown),
      );
    }
  }
  return entries;
}

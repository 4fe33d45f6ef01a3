/** How tickets are listed: size of pages, order, filters by time, and how instants are written. */
import type { Probe } from '#connectors/contract/check.ts';
import { assumed } from './assumed.ts';
import { lookAt, shapeOutcome } from './check-shape.ts';
import type { Asking, Looked } from './check-shape.ts';
import type { Query } from './client.ts';
import { haloInstant, instantOf, shifted } from './time.ts';
import { changedFilters } from './ways.ts';
import { ticketRow } from './wire.ts';
import type { TicketRow } from './wire.ts';

const dayMs = 86_400_000;
const changed: Query = { order: 'last_update', orderdesc: true };

export function feedProbes(asking: Asking): readonly Probe[] {
  const page = (query: Query, size: number, number: number, signal: AbortSignal): Promise<Looked<TicketRow>> => {
    const asked = { ...query, pageinate: true, page_size: size, page_no: number };
    const list = { path: 'Tickets', key: 'tickets', query: asked, row: ticketRow };
    return lookAt(asking, list, asking.call('Reading a page of tickets', signal));
  };
  // Once for all, so that the same question is asked once.
  const later = shifted(new Date().toISOString(), dayMs);
  let ordersByChange: boolean | null = null;
  const changeFilter = (newest: string, signal: AbortSignal): Promise<'lastupdatefromdate' | 'last_update' | null> =>
    firstThatFilters(
      [
        ['lastupdatefromdate', changedFilters.lastupdatefromdate],
        ['last_update', changedFilters.last_update],
      ],
      [shifted(newest, -1_000), later],
      (query, size) => page({ ...changed, ...query }, size, 1, signal),
    );
  return [
    {
      name: 'list',
      about: 'tickets',
      async run(signal) {
        const looked = await page(changed, 2, 1, signal);
        return shapeOutcome(looked) ?? { verdict: 'ok' };
      },
    },
    {
      name: 'page size',
      async run(signal) {
        const small = await page(changed, 2, 1, signal);
        const first = await page(changed, assumed.pageRows, 1, signal);
        const second = await page(changed, assumed.pageRows, 2, signal);
        const known = new Set(first.rows.map(({ id }) => id));
        const more = second.rows.filter(({ id }) => !known.has(id)).length;
        if (first.rows.length === 0) return { verdict: 'unknown', saw: 'no ticket is shown' };
        if (more === 0 && first.rows.length < assumed.pageRows)
          return { verdict: 'unknown', saw: `all ${first.rows.length} tickets fit into a page` };
        const pageCap = first.rows.length;
        const total = first.total ?? 0;
        const facts = { pageCap, fixedPage: small.rows.length > 2, countsAll: total > pageCap };
        if (pageCap >= assumed.surelyWholeRows) return { verdict: 'ok', saw: `${pageCap} tickets`, facts };
        return {
          verdict: 'differs',
          where: 'tickets',
          saw: `a page has ${pageCap} tickets at most; lists that can't be asked for by page may be cut there`,
          fix: `Raise the limit of rows for the API in Halo to ${assumed.surelyWholeRows} at least.`,
          facts,
        };
      },
    },
    {
      name: 'order',
      async run(signal) {
        const { rows } = await page(changed, assumed.pageRows, 1, signal);
        const newest = newestOf(rows);
        if (newest === null && rows.length > 0)
          return { verdict: 'differs', where: 'tickets[].last_update', saw: 'the tickets have no time of change' };
        if (newest === null || rows.length < 2)
          return { verdict: 'unknown', saw: `${rows.length} tickets are shown, too few to see an order` };
        const times = rows.map(({ last_update }) => instantOf(last_update) ?? '');
        // By number it may look the same, unless one of the other pages changed later.
        const filter = await changeFilter(newest, signal);
        const near = { ...changed, ...changedFilters[filter ?? 'none'](haloInstant(newest)) };
        const recent = await page(near, assumed.pageRows, 1, signal);
        const isSorted = times.every((at, index) => at <= (times[index - 1] ?? at));
        const isFirst = recent.rows.every(({ last_update }) => (instantOf(last_update) ?? newest) <= newest);
        const isByNumber = rows.every(({ id }, index) => id <= (rows[index - 1]?.id ?? id));
        ordersByChange = isSorted && isFirst;
        if (!ordersByChange)
          return {
            verdict: 'ok',
            saw: 'not by time of change, so each look reads all that is recent',
            facts: { ordersByChange: false },
          };
        if (isByNumber) return { verdict: 'ok', saw: 'by time of change, as far as can be seen' };
        return { verdict: 'ok', saw: 'by time of change', facts: { ordersByChange: true } };
      },
    },
    {
      name: 'instants',
      async run(signal) {
        const { rows } = await page(changed, assumed.pageRows, 1, signal);
        const texts = rows.flatMap(({ last_update }) => last_update ?? []);
        if (texts.length === 0) return { verdict: 'unknown', saw: 'no ticket is shown' };
        const newest =
          texts
            .flatMap((text) => instantOf(text) ?? [])
            .toSorted()
            .at(-1) ?? '';
        const zone = texts.every((text) => text.endsWith('Z')) ? 'Z' : '';
        const digits = Math.max(...texts.map((text) => /\.(\d+)/.exec(text)?.[1]?.length ?? 0)) > 3 ? 7 : 3;
        const facts = { zone, digits };
        if (newest <= shifted(new Date().toISOString(), 600_000)) return { verdict: 'ok', facts };
        return {
          verdict: 'differs',
          where: 'tickets[].last_update',
          saw: 'the newest change lies in the future: times are not in UTC, or its clock is wrong',
          fix: 'Set the time zone of the API agent in Halo to UTC.',
          facts,
        };
      },
    },
    {
      name: 'date filter',
      about: 'changed since',
      async run(signal) {
        const newest = newestOf((await page(changed, assumed.pageRows, 1, signal)).rows);
        if (newest === null) return { verdict: 'unknown', saw: 'no ticket is shown' };
        const found = await changeFilter(newest, signal);
        const facts = { changedBy: found ?? 'none' };
        if (found === 'lastupdatefromdate') return { verdict: 'ok', facts };
        if (found !== null)
          return { verdict: 'ok', saw: `by \`datesearch=${found}\`, which is used from now on`, facts };
        if (ordersByChange === true)
          return { verdict: 'ok', saw: 'no filter works, so looks go by the order alone', facts };
        return {
          verdict: 'differs',
          where: 'tickets',
          saw: 'no filter works, and nothing is ordered by time of change: every look reads all tickets',
          fix: 'Tell the makers of Ferry which version of Halo this is; until then expect many requests.',
          facts,
        };
      },
    },
    {
      name: 'date filter',
      about: 'logged since',
      async run(signal) {
        const byNumber: Query = { order: 'id', orderdesc: true };
        const all = (await page(changed, assumed.pageRows, 1, signal)).rows;
        const newest = all
          .flatMap(({ dateoccurred }) => instantOf(dateoccurred) ?? [])
          .toSorted()
          .at(-1);
        if (newest === undefined) return { verdict: 'unknown', saw: 'no ticket is shown' };
        const found = await firstThatFilters(
          (['dateoccured', 'dateoccurred'] as const).map((column) => [
            column,
            (at: string): Query => ({ datesearch: column, startdate: at }),
          ]),
          [shifted(newest, -1_000), later],
          (query, size) => page({ ...query, ...byNumber }, size, 1, signal),
        );
        const facts = { loggedBy: found ?? 'none' };
        if (found === 'dateoccured') return { verdict: 'ok', facts };
        if (found !== null) return { verdict: 'ok', saw: `by \`${found}\`, which is used from now on`, facts };
        return {
          verdict: 'ok',
          where: 'tickets',
          saw: 'no filter works: a creation without an answer is looked for among the newest numbers',
          facts,
        };
      },
    },
  ];
}

function newestOf(rows: readonly TicketRow[]): string | null {
  const times = rows.flatMap(({ last_update }) => instantOf(last_update) ?? []);
  return times.toSorted().at(-1) ?? null;
}

/**
 * A filter that Halo does not know is ignored without a word: then tickets come that can't have happened yet. One that
 * it takes otherwise gives none at all.
 */
async function firstThatFilters<Name extends string>(
  filters: readonly (readonly [Name, (at: string) => Query])[],
  [known, later]: readonly [known: string, later: string],
  asked: (query: Query, size: number) => Promise<Looked<TicketRow>>,
): Promise<Name | null> {
  for (const [name, filter] of filters) {
    const future = await asked(filter(haloInstant(later)), 2);
    if (future.rows.length > 0) continue;
    const recent = await asked(filter(haloInstant(known)), assumed.pageRows);
    if (recent.rows.length > 0) return name;
  }
  return null;
}

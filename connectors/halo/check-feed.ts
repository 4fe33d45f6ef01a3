/** How tickets are listed: size of pages, order, filters by time, and how instants are written. */
import type { Probe } from '#connectors/contract/check.ts';
import { assumed } from './assumed.ts';
import { lookAt, shapeOutcome } from './check-shape.ts';
import type { Asking, Looked } from './check-shape.ts';
import type { Query } from './client.ts';
import { haloInstant, instantOf, shifted } from './time.ts';
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
  return [
    {
      name: 'list',
      about: 'tickets',
      async run(signal) {
        const looked = await page(changed, 1, 1, signal);
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
        const times = rows.flatMap(({ last_update }) => instantOf(last_update) ?? []);
        if (times.length < rows.length)
          return { verdict: 'differs', where: 'tickets[].last_update', saw: 'some tickets have no time of change' };
        if (times.length < 2) return { verdict: 'unknown', saw: `${times.length} tickets are shown` };
        const newest = times.reduce((latest, at) => (at > latest ? at : latest));
        // By number it may look the same, unless one of the other pages changed later.
        const recent = await page({ ...changed, lastupdatefromdate: haloInstant(newest) }, assumed.pageRows, 1, signal);
        const isSorted = times.every((at, index) => at <= (times[index - 1] ?? at));
        const isFirst = recent.rows.every(({ last_update }) => (instantOf(last_update) ?? newest) <= newest);
        const isByNumber = rows.every(({ id }, index) => id <= (rows[index - 1]?.id ?? id));
        if (!isSorted || !isFirst)
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
    filterProbe('changed since', page, (from) => ({ ...changed, lastupdatefromdate: haloInstant(from) })),
    filterProbe('logged since', page, (from) => ({
      datesearch: 'dateoccured',
      startdate: haloInstant(from),
      order: 'id',
      orderdesc: true,
    })),
  ];
}

/** A filter that Halo does not know is ignored without a word; then tickets come that can't have happened yet. */
function filterProbe(
  about: string,
  page: (query: Query, size: number, number: number, signal: AbortSignal) => Promise<Looked<TicketRow>>,
  since: (from: string) => Query,
): Probe {
  return {
    name: 'date filter',
    about,
    async run(signal) {
      const past = await page(since(new Date(0).toISOString()), 2, 1, signal);
      if (past.rows.length === 0) {
        const all = await page({}, 2, 1, signal);
        if (all.rows.length === 0) return { verdict: 'unknown', saw: 'no ticket is shown' };
        return { verdict: 'differs', where: 'tickets', saw: 'it leaves out tickets that it should give' };
      }
      const future = await page(since(shifted(new Date().toISOString(), dayMs)), 2, 1, signal);
      if (future.rows.length === 0) return { verdict: 'ok' };
      return {
        verdict: 'differs',
        where: 'tickets',
        saw: 'it is ignored: every look reads all tickets',
        fix: 'Tell the makers of Ferry which version of Halo this is; until then expect many requests.',
      };
    },
  };
}

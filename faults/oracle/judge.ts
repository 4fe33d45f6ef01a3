/** Judges what is wrong at the desks once everything is carried, or once the time for it is over. */
import { stateOf, type FaultAction, type FaultTicket } from '#faults/desk/records.ts';
import { digest, type FaultDesk } from '#faults/desk/serve.ts';
import {
  deskOf,
  farsOf,
  fieldIn,
  nearOf,
  tokensIn,
  tokensOf,
  type Journal,
  type Message,
  type SetValue,
  type Talk,
} from '#faults/journal.ts';
import { statusAtSupplier } from '#faults/world.ts';
import type { Finding, Sort } from './findings.ts';
import { arrivalsOf, difference, type Missing } from './missing.ts';

type Find = (sort: Sort, text: string) => void;

export type JudgeInput = {
  readonly journal: Journal;
  readonly desks: readonly FaultDesk[];
  /** What has not arrived, although the run waited for it. */
  readonly left: readonly Missing[];
  /** Conversations, as `<token>/<side>`, on which something has arrived that was written later. */
  readonly passed: ReadonlySet<string>;
};

export function judge({ journal, desks, left, passed }: JudgeInput): readonly Finding[] {
  const findings: Finding[] = [];
  const find: Find = (sort, text) => void findings.push({ sort, text });
  for (const { talk, side, text, token, differs } of left) {
    const isPassed = token !== null && passed.has(`${talk.token}/${side}`);
    find(differs === true ? 'changed' : isPassed ? 'lost' : 'stuck', text);
  }
  for (const said of journal.said) judgeSaid(said, find);
  for (const talk of journal.talks) judgeTalk(talk, journal, left, find);
  strays(journal, desks, find);
  return findings;
}

function judgeSaid(said: Message, find: Find): void {
  const { talk, side, token, what } = said;
  const came = arrivalsOf(said);
  const where = `«${token}» of ${deskOf(talk, side).id} on ${talk.ticket}`;
  if (what === 'private') {
    if (came.length > 0) find('leaked', `a private note has left: ${where}`);
    return;
  }
  if (came.length > 1)
    find('doubled', `${came.length} times: ${where}: ${came.map(({ at, id }) => `#${id} ${at}`).join(', ')}`);
  const own = side === 'near' ? [nearOf(talk)] : farsOf(talk);
  const back = own.flatMap((ticket) =>
    (ticket?.actions ?? []).filter((one) => isOurs(one) && tokensOf(one).includes(token)),
  );
  if (back.length > 0) find('doubled', `came back: ${where}`);
  if (what === 'file' && came[0] !== undefined && !came[0].files.some(({ bytes }) => digest(bytes) === said.sha256))
    find('lost', `the file of ${where} is missing or differs: ${came[0].note?.slice(0, 200)}`);
}

function judgeTalk(talk: Talk, journal: Journal, left: readonly Missing[], find: Find): void {
  const fars = farsOf(talk);
  const near = nearOf(talk);
  if (fars.length > 1) find('doubled', `${talk.ticket} was opened as ${fars.map(({ id }) => id).join(' and ')}`);
  const [far] = fars;
  if (near === undefined || far === undefined) return;
  inOrder(talk, near, far, journal, 'near', find);
  inOrder(talk, far, near, journal, 'far', find);
  for (const action of near.actions.filter(isOurs))
    if (action.visible && action.note !== null)
      find('leaked', `public at ${talk.pair.customer.id}, by nobody's wish: #${action.id} of ${near.id}`);
  // What has not arrived yet explains the difference.
  if (left.some((one) => one.talk === talk)) return;
  const differs = difference(talk, near, far);
  if (differs !== null) find('changed', differs);
  nobodySet(talk, journal, near, 'near', find);
  nobodySet(talk, journal, far, 'far', find);
  newestHolds(talk, journal, near, find);
}

function inOrder(
  { ticket }: Talk,
  from: FaultTicket,
  to: FaultTicket,
  { said }: Journal,
  side: 'near' | 'far',
  find: Find,
): void {
  const sent = new Set(said.filter((one) => one.side === side && one.what !== 'private').map(({ token }) => token));
  const wanted = from.actions.filter((one) => !isOurs(one)).flatMap(tokensOf);
  const came = [...new Set(to.actions.filter(isOurs).flatMap(tokensOf))].filter((token) => sent.has(token));
  const expected = wanted.filter((token) => came.includes(token));
  if (came.join() === expected.join()) return;
  const n = came.findIndex((token, at) => token !== expected[at]);
  find('misplaced', `out of order on ${to.id}, the mirror of ${ticket}: «${came[n]}» where «${expected[n]}» belongs`);
}

/** Checks that every value that came through the API is one that somebody set at the other end, in this end's words. */
function nobodySet(talk: Talk, { set }: Journal, ticket: FaultTicket, side: 'near' | 'far', find: Find): void {
  const other = side === 'near' ? 'far' : 'near';
  const ours = set.filter((one) => one.talk === talk);
  const meant = (what: SetValue['what']): Set<string> =>
    new Set([
      ...ours
        .filter((one) => one.what === what && one.side === other)
        .map(({ value }) => inWordsOf(side, talk, what, value)),
      // A value that a person set here may have to be set again here.
      ...ours.filter((one) => one.what === what && one.side === side).map(({ value }) => value),
      ...(what === 'status' ? [ticket.first.status] : []),
    ]);
  const [statuses, values] = [meant('status'), meant('field')];
  for (const { id, status, fields } of ticket.actions.filter(isOurs)) {
    if (status !== undefined && !statuses.has(status)) find('changed', `#${id} of ${ticket.id}: nobody set ${status}`);
    const value = fieldIn(fields);
    if (value !== '' && !values.has(value)) find('changed', `#${id} of ${ticket.id}: nobody set ${value}`);
  }
}

function inWordsOf(side: 'near' | 'far', { pair }: Talk, what: SetValue['what'], value: string): string {
  return side === 'far' && what === 'status' ? statusAtSupplier(pair, value) : value;
}

/**
 * Two people who acted within this time did not know of each other, so either value may be the newest. In milliseconds.
 */
const togetherMs = 2_000;

/**
 * Checks that the desks agree on the value that somebody set last, as far as that can be known. It can be known only of
 * desks whose clocks are right.
 */
function newestHolds(talk: Talk, { set }: Journal, near: FaultTicket, find: Find): void {
  const { customer, supplier } = talk.pair;
  if ([customer, supplier].some(({ clock }) => clock.skewMs !== 0 || clock.jumped)) return;
  const state = stateOf(near);
  for (const what of ['status', 'field'] as const) {
    const all = set.filter((one) => one.talk === talk && one.what === what);
    const lastMs = Math.max(...all.map(({ atMs }) => atMs));
    const last = all.filter(({ atMs }) => atMs >= lastMs - togetherMs);
    const is = what === 'status' ? state.status : fieldIn(state.fields);
    const may = last.flatMap(({ value, side }) =>
      side === 'near' || what === 'field'
        ? [value]
        : [value, ...(talk.pair.lossy && value === 'open' ? ['working'] : [])],
    );
    if (last.length > 0 && !may.includes(is))
      find('changed', `${what} of ${near.id} is ${is}, and what was set last is ${may.join(' or ')}`);
  }
}

/** Finds whatever is on a ticket where it does not belong, and tickets that nobody asked for. */
function strays({ talks, said }: Journal, desks: readonly FaultDesk[], find: Find): void {
  const byToken = new Map<string, Talk>(said.map(({ token, talk }) => [token, talk]));
  for (const talk of talks) byToken.set(talk.token, talk);
  for (const desk of desks) {
    for (const ticket of desk.records.tickets.values()) {
      const opened = tokensIn(ticket.description);
      if (ticket.byService && !opened.some((token) => byToken.has(token)))
        find('doubled', `${ticket.id} was opened by nobody's wish`);
      for (const token of [...opened, ...ticket.actions.flatMap(tokensOf)]) {
        const talk = byToken.get(token);
        if (talk === undefined || belongs(talk, desk, ticket)) continue;
        const isThird = desk !== talk.pair.customer && desk !== talk.pair.supplier;
        find(
          isThird ? 'leaked' : 'misplaced',
          `«${token}» is on ${ticket.id}, and was said on ${talk.ticket} or its mirror`,
        );
      }
    }
  }
}

function belongs(talk: Talk, desk: FaultDesk, ticket: FaultTicket): boolean {
  if (desk === talk.pair.customer && ticket.id === talk.ticket) return true;
  return desk === talk.pair.supplier && farsOf(talk).includes(ticket);
}

function isOurs({ by }: FaultAction): boolean {
  return by === 'service';
}

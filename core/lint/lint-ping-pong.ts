/**
 * Statuses that never come to rest: what one desk makes of a status, what the other makes of that, and so on. There and
 * back to the same status is rest, since what is already so gives no command.
 */
import { foldName } from '#core/words/names.ts';
import { otherSide } from '#core/words/ends.ts';
import type { SideName } from '#core/words/vocabulary.ts';
import { finding, type Finding } from './finding.ts';
import type { LintSide } from './lint-side.ts';

/** Changes until a status has come to rest; more look like a circle to the breaker, which counts ten. */
const mostChanges = 8;
/** Of chains of one link that are told. */
const mostTold = 20;
/** Statuses of a chain that are told. */
const mostShown = 6;

type Sides = { readonly [side in SideName]: LintSide };
/** A status that a ticket of this side is in. */
type Stop = { readonly side: SideName; readonly status: string };

export function lintPingPong(customer: LintSide, supplier: LintSide): readonly Finding[] {
  if (customer.isRemote || supplier.isRemote) return [];
  const sides: Sides = { customer, supplier };
  const starts = startsOf(sides);
  const follows = new Set(starts.flatMap((stop) => keysOf(next(sides, stop))));
  /** How many changes follow a status until rest; infinite on a circle and before one. */
  const changes = new Map<string, number>();
  const found: Finding[] = [];
  for (const start of starts) {
    const circle = walk(sides, start, changes);
    if (found.length >= mostTold) break;
    const many = changes.get(keyOf(start)) ?? 0;
    if (circle.length > 0) found.push(told(sides, circle, true));
    else if (Number.isFinite(many) && many > mostChanges && !follows.has(keyOf(start)))
      found.push(told(sides, wayFrom(sides, start), false));
  }
  return found;
}

function keyOf({ side, status }: Stop): string {
  return `${side} ${foldName(status)}`;
}

function keysOf(stop: Stop | undefined): readonly string[] {
  return stop === undefined ? [] : [keyOf(stop)];
}

/** The status that the other desk's ticket comes into. */
function next(sides: Sides, { side, status }: Stop): Stop | undefined {
  const other = otherSide(side);
  const row = sides[other].statusRows.find(status);
  return row === undefined ? undefined : { side: other, status: row.to };
}

/** Fills in `changes` for all that follows. @returns the circle that was met for the first time; empty where none was */
function walk(sides: Sides, start: Stop, changes: Map<string, number>): readonly Stop[] {
  const way: Stop[] = [];
  const at = new Map<string, number>();
  let circle: readonly Stop[] = [];
  let count = 0;
  for (let here = start; ;) {
    const key = keyOf(here);
    const known = changes.get(key);
    const began = at.get(key);
    if (known !== undefined || began !== undefined) {
      if (began !== undefined) circle = way.slice(began);
      count = known ?? Number.POSITIVE_INFINITY;
      break;
    }
    const there = next(sides, here);
    const back = there === undefined ? undefined : next(sides, there);
    if (there === undefined || (back !== undefined && keyOf(back) === key)) {
      count = there === undefined ? 0 : 1;
      changes.set(key, count);
      break;
    }
    at.set(key, way.length);
    way.push(here);
    here = there;
  }
  for (const stop of way.toReversed()) {
    count += 1;
    changes.set(keyOf(stop), count);
  }
  return circle;
}

/** Every status that has a row, in the order of the settings. */
function startsOf(sides: Sides): readonly Stop[] {
  return (['customer', 'supplier'] as const).flatMap((side) =>
    sides[otherSide(side)].settings.inbound.statuses.map(({ from }) => ({ side, status: from })),
  );
}

function wayFrom(sides: Sides, start: Stop): readonly Stop[] {
  const way: Stop[] = [];
  for (let here: Stop | undefined = start; here !== undefined && way.length <= mostShown; here = next(sides, here))
    way.push(here);
  return way;
}

function told(sides: Sides, way: readonly Stop[], isCircle: boolean): Finding {
  const [first] = way;
  const side = otherSide(first?.side ?? 'customer');
  const row = sides[side].statusRows.find(first?.status ?? '')?.index ?? 0;
  const shown = way.slice(0, mostShown).map((stop) => `"${stop.status}" at ${sides[stop.side].desk}`);
  const again = isCircle && way.length <= mostShown && first !== undefined ? [`"${first.status}" again`] : ['…'];
  const why = `${[...shown, ...again].join(' becomes ')}: ${isCircle ? 'the two tickets would never come to rest' : `more than ${mostChanges} changes until the two tickets rest`}.`;
  const fix = 'Let each status come back as itself, or as one that has no row.';
  return finding('status-ping-pong', [side, 'inbound', 'statuses', row, 'to'], why, fix);
}

/** Looks at one reply of Halo's: its form, the rows that can be read, and where the others differ. */
import type { Outcome } from '#connectors/contract/check.ts';
import { HelpdeskError } from '#connectors/contract/errors.ts';
import type { Seen } from '#connectors/kit/check.ts';
import type { Call } from './call.ts';
import type { List } from './client.ts';
import type { Desk } from './read.ts';
import { readRows } from './rows.ts';
import { anything } from './wire.ts';
import type { HaloOptions, Schema } from './wire.ts';

export type Asking = {
  readonly seen: Readonly<Seen>;
  readonly desk: Desk;
  readonly options: HaloOptions;
  call(what: string, signal: AbortSignal): Call;
};

/** `usual`: the rows under a property of the list's name. */
export type Form = 'array' | 'results' | 'usual';

export type Looked<T> = {
  readonly form: Form;
  readonly rows: readonly T[];
  readonly total: number | undefined;
  /** Where rows differ from what is read; without repeats. */
  readonly wrong: readonly string[];
  /** The path in the reply that holds no list, where there is none. */
  readonly missing: string | null;
};

/** Throws HelpdeskError where Halo does not answer; a reply of another shape is an answer. */
export async function lookAt<T>({ desk }: Asking, { path, key, query, row }: List<T>, call: Call): Promise<Looked<T>> {
  const body = await desk.client.get(path, query, anything, call);
  const wrong = new Set<string>();
  const form = formOf(body);
  try {
    const { rows, total } = readRows(
      body,
      key,
      row,
      { what: call.what, write: false },
      (where) => wrong.add(where),
      true,
    );
    return { form, rows, total, wrong: [...wrong], missing: null };
  } catch (error) {
    if (!(error instanceof HelpdeskError)) throw error;
    return { form, rows: [], total: undefined, wrong: [...wrong], missing: wrong.size === 0 ? key : null };
  }
}

function formOf(body: unknown): Form {
  if (Array.isArray(body)) return 'array';
  const isResults = typeof body === 'object' && body !== null && 'results' in body && Array.isArray(body.results);
  return isResults ? 'results' : 'usual';
}

const forSupport = 'Tell the makers of Ferry: this Halo answers in a way that nobody has met yet.';

/** Null where everything could be read. */
export function shapeOutcome({ wrong, missing, rows }: Looked<unknown>): Outcome | null {
  if (missing !== null) return { verdict: 'differs', where: missing, saw: 'there is no list', fix: forSupport };
  if (wrong.length === 0) return null;
  const where = wrong.join(', ');
  return { verdict: 'differs', where, saw: `${rows.length} rows can be read, others can't`, fix: forSupport };
}

/** Where a single record differs; null where it can be read. */
export function recordOutcome<T>(schema: Schema<T>, body: unknown): Outcome | null {
  const read = schema.safeParse(body);
  if (read.success) return null;
  const where = read.error.issues.map(({ path }) => path.join('.')).join(', ');
  return { verdict: 'differs', where, fix: forSupport };
}

/** The options of the fault bench. */
import { parseArgs } from 'node:util';
import { shapeNamed, shapes } from './shapes.ts';

export type Options = {
  /** The seeds of the runs, in order. */
  readonly seeds: readonly number[];
  readonly minutes: number;
  /** Replaces the shape that the seed would have. */
  readonly shape: string | undefined;
  /** The only faults to use. */
  readonly only: readonly string[] | undefined;
  readonly everyMs: number;
  readonly withinMs: number;
  readonly out: string | undefined;
  /** No further run starts after this time. A later call continues with what is missing in `out`. */
  readonly forMs: number;
  readonly cases: readonly string[];
  readonly json: boolean;
  /** More and shorter faults at the same time. */
  readonly dense: boolean;
  /** The page whose tables are built from the results in `out` when the runs are over. */
  readonly page: string | undefined;
};

export const usage = `npm run faults -- [options]

  --seeds N           this many runs, with the seeds from --from on (10)
  --from N            the first seed (1)
  --seed N            this seed alone
  --minutes M         how long people act and faults strike in each run (1)
  --shape NAME        desks of this sort in every run: ${shapes.map(({ name }) => name).join(', ')}
  --only A,B          only these faults
  --every MS          average time between two things that people do (160)
  --within SECONDS    time from healing until everything must be carried (120)
  --out DIR           stores results there, and does not run seeds again that it already holds
  --for MINUTES       starts no further run after this time; the same command continues with the rest
  --dense             three rows of shorter faults instead of two: as many in half the time
  --page FILE         when everything is run, builds its tables from the results in --out
  --case NAME         runs a directed case instead; "list" names them
  --json              one line of JSON for each run, nothing else, on stdout
`;

/**
 * Reads the command line.
 * @throws Error with one line that says what is wrong
 */
export function readOptions(args: readonly string[]): Options | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seeds: { type: 'string' },
      from: { type: 'string' },
      seed: { type: 'string' },
      minutes: { type: 'string' },
      shape: { type: 'string' },
      only: { type: 'string' },
      every: { type: 'string' },
      within: { type: 'string' },
      out: { type: 'string' },
      for: { type: 'string' },
      case: { type: 'string', multiple: true, default: [] },
      json: { type: 'boolean', default: false },
      dense: { type: 'boolean', default: false },
      page: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return 'help';
  if (values.shape !== undefined && shapeNamed(values.shape) === undefined)
    throw new Error(`--shape takes one of ${shapes.map(({ name }) => name).join(', ')}, not "${values.shape}"`);
  if (values.page !== undefined && values.out === undefined) throw new Error('--page needs --out');
  const from = whole('--seed', values.seed ?? values.from, 1);
  const count = values.seed === undefined ? whole('--seeds', values.seeds, 10) : 1;
  return {
    seeds: Array.from({ length: count }, (_, n) => from + n),
    minutes: positive('--minutes', values.minutes, 1),
    shape: values.shape,
    only: values.only?.split(',').map((name) => name.trim()),
    everyMs: positive('--every', values.every, 160),
    withinMs: positive('--within', values.within, 120) * 1_000,
    out: values.out,
    forMs: values.for === undefined ? Number.POSITIVE_INFINITY : positive('--for', values.for, 1) * 60_000,
    cases: values.case,
    json: values.json,
    dense: values.dense,
    page: values.page,
  };
}

function positive(name: string, given: string | undefined, otherwise: number): number {
  if (given === undefined) return otherwise;
  const value = Number(given);
  if (!Number.isFinite(value) || value <= 0) throw new Error(`${name} takes a number above 0, not "${given}"`);
  return value;
}

function whole(name: string, given: string | undefined, otherwise: number): number {
  const value = positive(name, given, otherwise);
  if (!Number.isInteger(value)) throw new Error(`${name} takes a whole number, not "${given}"`);
  return value;
}

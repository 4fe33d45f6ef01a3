/** The options of a benchmark run. */
import { parseArgs } from 'node:util';

export const parts = [
  'bare',
  'floor',
  'ferry',
  'hop',
  'history',
  'customers',
  'cold',
  'flood',
  'sealed',
  'footprint',
] as const;
export type Part = (typeof parts)[number];

export type Options = {
  readonly json: boolean;
  /** Length of one throughput measurement, in seconds. */
  readonly seconds: number;
  /**
   * Samples for a latency while awake. The measurement while asleep takes a fifth of them, since each sample must wait
   * for the courier to leave.
   */
  readonly samples: number;
  /** Customers of the larger federation. */
  readonly customers: number;
  /** Past actions in the larger database. */
  readonly pastActions: number;
  /** The longest measurement of cold customers, in seconds. */
  readonly coldSeconds: number;
  readonly parts: ReadonlySet<Part>;
  /** The directory for CPU profiles of the gateway and the worker. */
  readonly profile: string | undefined;
};

export const usage = `npm run bench -- [options]

  --json              one JSON object on stdout, nothing else
  --quick             under two minutes: shorter, and growth at a tenth of its size
  --seconds N         length of one throughput measurement (12; quick: 5)
  --samples N         latencies measured awake (300; quick: 100)
  --customers N       customers of the larger federation (10000; quick: 1000)
  --past-actions N    past actions of the larger database (1000000; quick: 100000)
  --cold-seconds N    longest measurement of cold customers (60; quick: 10)
  --only A,B          only these of ${parts.join(', ')}; what is left out is missing from the result
  --profile DIR       CPU profiles of gateway and worker
`;

const full = { seconds: 12, samples: 300, customers: 10_000, pastActions: 1_000_000, coldSeconds: 60 };
const quick = { seconds: 5, samples: 100, customers: 1_000, pastActions: 100_000, coldSeconds: 10 };

/**
 * Reads the command line.
 * @throws Error with one line that says what is wrong
 */
export function readOptions(args: readonly string[]): Options | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      json: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
      seconds: { type: 'string' },
      samples: { type: 'string' },
      customers: { type: 'string' },
      'past-actions': { type: 'string' },
      'cold-seconds': { type: 'string' },
      only: { type: 'string' },
      profile: { type: 'string' },
    },
  });
  if (values.help) return 'help';
  const size = values.quick ? quick : full;
  return {
    json: values.json,
    seconds: positive('--seconds', values.seconds, size.seconds),
    samples: positive('--samples', values.samples, size.samples),
    customers: positive('--customers', values.customers, size.customers),
    pastActions: positive('--past-actions', values['past-actions'], size.pastActions),
    coldSeconds: positive('--cold-seconds', values['cold-seconds'], size.coldSeconds),
    parts: partsOf(values.only),
    profile: values.profile,
  };
}

function positive(name: string, given: string | undefined, otherwise: number): number {
  if (given === undefined) return otherwise;
  const value = Number(given);
  if (!Number.isFinite(value) || value <= 0) throw new Error(`${name} takes a number above 0, not "${given}"`);
  return value;
}

function partsOf(only: string | undefined): Set<Part> {
  if (only === undefined) return new Set(parts);
  const chosen = only.split(',').map((name) => parts.find((part) => part === name.trim()));
  if (chosen.some((part) => part === undefined)) throw new Error(`--only takes some of ${parts.join(', ')}`);
  return new Set(chosen.filter((part) => part !== undefined));
}

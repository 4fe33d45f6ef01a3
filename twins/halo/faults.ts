/** Faults that a test can order: each waits for a request (or a webhook) that it matches. */
import type { Input } from './input.ts';
import { isInput, textOf, wholeOf } from './input.ts';
import { refused } from './errors.ts';

export const faultKinds = [
  'reply-lost-after-commit',
  'drop-before-commit',
  '429',
  '500',
  'slow',
  'late-commit',
  'dropped-field',
  'wrong-content-type',
  'status',
  'readable-later',
  'rewritten-note',
  'restart',
  'revoke-tokens',
  'webhook-duplicate',
  'webhook-reorder',
  'webhook-drop',
] as const;
export type FaultKind = (typeof faultKinds)[number];

export interface Fault {
  readonly id: number;
  readonly kind: FaultKind;
  readonly method: string | null;
  /**
   * Texts that path and query may contain, whatever the case: anywhere, or at the start after `^`, or at the end before
   * `$`. They are not patterns, since anybody who can order a fault could stop the desk with one.
   */
  readonly path: readonly string[] | null;
  /** How many more requests it strikes; 0 strikes every one. */
  times: number;
  /** How many matching requests pass first. */
  skip: number;
  /**
   * How long `slow` and `late-commit` wait, how long `readable-later` hides, how long `restart` is away. In
   * milliseconds.
   */
  readonly ms: number;
  /** The `Retry-After` of a 429, in seconds; null sends none. */
  readonly retryAfter: number | null;
  /** The field that `dropped-field` loses. */
  readonly field: string;
  /** The status that `status` answers with, without doing anything. */
  readonly status: number;
  readonly text: string;
}

export interface Faults {
  add(body: Input): Fault;
  /** Returns the faults that strike this request, and counts one use of each. */
  take(method: string, path: string): Fault[];
  /** Returns the fault that strikes a webhook delivery, if any. */
  takeWebhook(): FaultKind | null;
  list(): Fault[];
  clear(): void;
}

/** Keeps the ordered faults of one desk, in memory. */
export function createFaults(): Faults {
  let faults: Fault[] = [];
  let next = 1;

  function strike(fault: Fault): boolean {
    if (fault.skip > 0) {
      fault.skip--;
      return false;
    }
    if (fault.times === 1) faults = faults.filter((other) => other !== fault);
    else if (fault.times > 1) fault.times--;
    return true;
  }

  return {
    add(body) {
      const fault = readFault(body, next++);
      faults.push(fault);
      return fault;
    },
    take(method, path) {
      return faults.filter((fault) => {
        if (fault.kind.startsWith('webhook-')) return false;
        if (fault.method !== null && fault.method !== method) return false;
        return (fault.path === null || fault.path.some((text) => isIn(path.toLowerCase(), text))) && strike(fault);
      });
    },
    takeWebhook() {
      return faults.find((fault) => fault.kind.startsWith('webhook-') && strike(fault))?.kind ?? null;
    },
    list: () => [...faults],
    clear() {
      faults = [];
    },
  };
}

const mostTexts = 20;
const longestText = 500;

function textsIn(path: unknown): readonly string[] | null {
  if (path === undefined || path === null) return null;
  const texts = (Array.isArray(path) ? path : [path]).map(String);
  if (texts.length > mostTexts || texts.some((text) => text.length > longestText))
    throw refused(`match.path takes up to ${mostTexts} texts of ${longestText} characters`);
  return texts.map((text) => text.toLowerCase());
}

function isIn(path: string, text: string): boolean {
  const [begins, ends] = [text.startsWith('^'), text.endsWith('$')];
  const plain = text.slice(begins ? 1 : 0, ends ? -1 : undefined);
  if (begins && ends) return path === plain;
  if (begins) return path.startsWith(plain);
  return ends ? path.endsWith(plain) : path.includes(plain);
}

function readFault(body: Input, id: number): Fault {
  const kind = faultKinds.find((one) => one === String(body.kind));
  if (kind === undefined) throw refused(`Unknown fault. There are: ${faultKinds.join(', ')}`);
  const match = isInput(body.match) ? body.match : {};
  return {
    id,
    kind,
    method: textOf(match, 'method')?.toUpperCase() ?? null,
    path: textsIn(match.path),
    times: wholeOf(match, 'times') ?? wholeOf(body, 'times') ?? 1,
    skip: wholeOf(match, 'skip') ?? 0,
    ms: wholeOf(body, 'ms') ?? 200,
    retryAfter: wholeOf(body, 'retryAfter') ?? null,
    field: textOf(body, 'field') ?? '',
    status: wholeOf(body, 'status') ?? 403,
    text: textOf(body, 'text') ?? '',
  };
}

/** What people did in a run, as the bench itself knows it, and where each conversation is. */
import type { FaultAction, FaultTicket } from './desk/records.ts';
import type { FaultDesk } from './desk/serve.ts';
import type { Pair } from './world.ts';

/** An escalated ticket, and what people do on it and on its mirror. */
export type Talk = {
  readonly token: string;
  readonly pair: Pair;
  /** The customer's ticket. */
  readonly ticket: string;
};

export type Message = {
  readonly token: string;
  readonly talk: Talk;
  readonly side: 'near' | 'far';
  readonly what: 'note' | 'private' | 'file';
  readonly atMs: number;
  /** The hash of its file. */
  readonly sha256?: string;
};

/** A status or a field that somebody set. */
export type SetValue = {
  readonly talk: Talk;
  readonly side: 'near' | 'far';
  readonly what: 'status' | 'field';
  readonly value: string;
  readonly atMs: number;
};

export type Journal = {
  readonly talks: Talk[];
  readonly said: Message[];
  readonly set: SetValue[];
};

export function emptyJournal(): Journal {
  return { talks: [], said: [], set: [] };
}

/** The field that people change. */
export const field = 'Ref';

/** Returns the field's value, or an empty string if nobody has set it. */
export function fieldIn(fields: Readonly<Record<string, unknown>> | undefined): string {
  const value = fields?.[field];
  return typeof value === 'string' ? value : '';
}

export function tokensIn(text: string | null): readonly string[] {
  return [...(text ?? '').matchAll(/«([^«»]{1,40})»/g)].map(([, token = '']) => token);
}

const known = new WeakMap<FaultAction, readonly string[]>();

export function tokensOf(action: FaultAction): readonly string[] {
  let found = known.get(action);
  if (found === undefined) known.set(action, (found = tokensIn(action.note)));
  return found;
}

export function nearOf({ pair, ticket }: Talk): FaultTicket | undefined {
  return pair.customer.records.tickets.get(ticket);
}

/** Finds the tickets at the supplier that the escalation has opened. In the end it is one. */
export function farsOf({ pair, token }: Talk): readonly FaultTicket[] {
  const mark = `«${token}»`;
  return [...pair.supplier.records.tickets.values()].filter(
    ({ byService, description }) => byService && description.includes(mark),
  );
}

export function deskOf({ pair }: Talk, side: 'near' | 'far'): FaultDesk {
  return side === 'near' ? pair.customer : pair.supplier;
}

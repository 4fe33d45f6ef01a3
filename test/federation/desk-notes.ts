/** Reads the notes on a ticket of a light desk, and waits for them. */
import { until } from '#test/support/wait.ts';
import type { RigDesk } from './rig.ts';

export function shown<Found>(
  look: () => Found | undefined | Promise<Found | undefined>,
  what: string,
  timeoutMs = 60_000,
): Promise<NonNullable<Found>> {
  return until(look, { what, timeoutMs }) as Promise<NonNullable<Found>>;
}

/** How many notes have the text. */
export function count(desk: RigDesk, ticket: string, text: string): number {
  return desk.ticket(ticket).actions.filter((one) => one.note?.includes(text)).length;
}

/** Returns what the pattern finds in the notes, in order. */
export function texts(desk: RigDesk, ticket: string, pattern: RegExp): string[] {
  return desk.ticket(ticket).actions.flatMap(({ note }) => pattern.exec(note ?? '')?.[0] ?? []);
}

/** `a 1.` and so on; `without`: each so manieth is missing. */
export function numbered(word: string, count: number, without?: number): string[] {
  return Array.from({ length: count }, (_, n) => n + 1)
    .filter((n) => without === undefined || n % without !== 0)
    .map((n) => `${word} ${n}.`);
}

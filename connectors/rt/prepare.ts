/** Converts a command for RT, and refuses what RT itself would not refuse, or too late. */
import { HelpdeskError } from '#connectors/contract/errors.ts';
import type { Command, FieldValue } from '#core/words/vocabulary.ts';
import type { Reader } from './ask.ts';
import { query } from './client.ts';
import { setupIncomplete } from './errors.ts';
import { writeValue } from './fields.ts';
import { cleanMarker } from './parts.ts';
import { foundUserSchema } from './wire.ts';

/** The far ticket for people, the marker for finding the ticket again. RT's short values end at 255 characters. */
export function referenceOf(open: NonNullable<Command['open']>, marker: string): string {
  const short = `${open.farNumber} ferry:${cleanMarker(marker)}`.trim();
  const long = `${open.farNumber} ${open.farUrl} ferry:${cleanMarker(marker)}`.trim();
  return long.length <= 250 ? long : short;
}

/** By e-mail address, else the only user of that name, else the stand-in. */
export async function requestorOf(
  reader: Reader,
  requester: { readonly name: string; readonly email?: string },
  signal: AbortSignal,
): Promise<string | null> {
  if (requester.email !== undefined) return requester.email;
  if (requester.name !== '') {
    const found = await reader.client.search(
      `/users${query({ per_page: 2 })}`,
      [{ field: 'RealName', value: requester.name }],
      foundUserSchema,
      { what: 'find the requester', write: false, about: 'instance' },
      signal,
    );
    if (found.length === 1 && found[0] !== undefined) return found[0].id;
  }
  return reader.options.standIn ?? null;
}

/** RT ignores fields it does not know without a word, so they are refused here. */
export async function customFields(
  reader: Reader,
  wanted: Readonly<Record<string, FieldValue>>,
  signal: AbortSignal,
): Promise<Record<string, string | null | readonly string[]>> {
  const names = Object.keys(wanted);
  const sent: Record<string, string | null | readonly string[]> = {};
  if (names.length === 0) return sent;
  const known = await reader.fields.byNames(names, signal);
  const dated = names.some((name) => known.get(name.toLowerCase())?.type === 'datetime');
  const timezone = dated ? ((await reader.people.identity(signal)).timezone ?? reader.options.timezone ?? null) : null;
  for (const [name, value] of Object.entries(wanted)) {
    const field = known.get(name.toLowerCase());
    if (field === undefined) {
      throw setupIncomplete(
        `RT shows the service user no custom field "${name}". Add it to the queue, and let the service user see it (setup.pl does both).`,
      );
    }
    sent[field.name] = writeValue(value, field, timezone);
  }
  return sent;
}

/** RT would write the note first and only then say that it knows no such status. */
export function checkStatus(reader: Reader, status: string | undefined): void {
  const { statuses } = reader.options;
  if (status === undefined || statuses.some(({ name }) => name.toLowerCase() === status.toLowerCase())) return;
  const names = statuses.map(({ name }) => name).join(', ');
  throw new HelpdeskError('refused', 'unknown-status', `RT has no status "${status}", only ${names}.`);
}

export function priorityNumber(reader: Reader, priority: string): number {
  const number = reader.options.priorities[priority] ?? (/^-?\d+$/.test(priority) ? Number(priority) : undefined);
  if (number !== undefined) return number;
  const names = Object.keys(reader.options.priorities).join(', ');
  throw new HelpdeskError(
    'refused',
    'unknown-priority',
    `RT has no priority "${priority}", only ${names} and numbers.`,
  );
}

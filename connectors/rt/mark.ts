/**
 * Which RT this is. RT's REST tells nothing of the kind, so setup.pl leaves a mark in the description of a field of ours:
 * `Ferry's mark of this RT: 4b0c…`.
 */
import type { RtClient } from './client.ts';
import { query } from './client.ts';
import { markedFieldSchema } from './wire.ts';

const pattern = /Ferry's mark of this RT: ([0-9a-f]{32})\b/;

/** Null where RT was set up before there were marks. Throws HelpdeskError. */
export async function markOf(client: RtClient, field: string, signal: AbortSignal): Promise<string | null> {
  const found = await client.search(
    `/customfields${query({ fields: 'Name,Description', per_page: 100, orderby: 'id' })}`,
    [
      { field: 'LookupType', value: 'RT::Queue-RT::Ticket' },
      { field: 'Name', value: field },
    ],
    markedFieldSchema,
    { what: 'tell which RT it is', write: false, about: 'instance' },
    signal,
  );
  const marks = found
    .filter(({ Name }) => Name.toLowerCase() === field.toLowerCase())
    .flatMap(({ Description }) => pattern.exec(Description ?? '')?.[1] ?? []);
  return marks[0] === undefined ? null : `rt ${marks[0]}`;
}

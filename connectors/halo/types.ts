/** Ticket types with what their workflows allow and their forms ask for: a request each, so kept for longer than the rest. */
import { HelpdeskError } from '#connectors/contract/errors.ts';
import type { CatalogueType } from '#core/words/vocabulary.ts';
import type { Call } from './call.ts';
import type { HaloClient } from './client.ts';
import { mandatoryOf } from './mandatory.ts';
import { ticketTypeDetails } from './wire.ts';
import type { FieldInfo, TicketType, TypeDetails } from './wire.ts';

export type TypeReader = (
  types: readonly TicketType[],
  fields: readonly FieldInfo[],
  call: Call,
) => Promise<readonly CatalogueType[]>;

const keptMs = 3_600_000;

export function createTypeReader(client: HaloClient): TypeReader {
  const known = new Map<number, { readonly details: TypeDetails; readonly until: number }>();

  /** Null for a type that the application may not look into: nothing is known of its restrictions then. */
  async function detailsOf(id: number, call: Call): Promise<TypeDetails | null> {
    const kept = known.get(id);
    if (kept !== undefined && kept.until > performance.now()) return kept.details;
    const query = { includedetails: true };
    const details = await client.get(`TicketType/${id}`, query, ticketTypeDetails, call).catch((error: unknown) => {
      // Not allowed, or answered in a shape that nobody knows: that is this type's alone.
      const isThisType = error instanceof HelpdeskError && (error.code === 'not-json' || isRefused(error));
      if (isThisType) return null;
      throw error;
    });
    if (details === null) return null;
    known.set(id, { details, until: performance.now() + keptMs });
    return details;
  }

  return async (types, fields, call) => {
    const all: CatalogueType[] = [];
    for (const type of types) all.push(catalogueType(type, await detailsOf(type.id, call), fields));
    return all;
  };
}

function isRefused({ class: errorClass }: HelpdeskError): boolean {
  return errorClass === 'refused' || errorClass === 'auth';
}

function catalogueType(type: TicketType, details: TypeDetails | null, fields: readonly FieldInfo[]): CatalogueType {
  if (details === null) return { name: type.name };
  const { allowall_actions, allowall_status } = details;
  const kinds = (details.allowed_actions ?? []).flatMap((row) => row.key2_name ?? row.name ?? []);
  const statuses = (details.allowed_status ?? []).flatMap((row) => row.status_name ?? []);
  return {
    name: type.name,
    ...(allowall_actions === true || kinds.length === 0 ? {} : { kinds }),
    ...(allowall_status === true || statuses.length === 0 ? {} : { statuses }),
    ...mandatoryOf(details, fields),
  };
}

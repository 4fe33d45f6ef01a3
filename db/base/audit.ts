/**
 * The audit: who changed what, and when. It only grows; each row is written in the transaction of the change it
 * records.
 */
import { audit } from '#db/schema/audit.ts';
import type { Db } from './client.ts';

/** A person in the console, the token of a script or peer, a person at the command line, or Ferry itself. */
export type ActorKind = 'person' | 'token' | 'cli' | 'system';

export type AuditActor = {
  readonly kind: ActorKind;
  /** A stable id: an account, a client, a program. */
  readonly id: string;
  /** The name that people know; `by` shows it. */
  readonly name: string;
};

export type AuditEntry = {
  /** The verb. */
  readonly what: string;
  /** `links/<id>`, `instances/<id>`, `clients/<id>`, `deliveries/<id>`, `mirrors/<id>`, `profiles/<id>` */
  readonly subject: string;
  /** What changed; secrets appear by name only. */
  readonly detail: Readonly<Record<string, unknown>>;
};

/** Ferry as the actor. @param by the person on whose behalf Ferry finishes what they began */
export function ferryItself(by = 'ferry'): AuditActor {
  return { kind: 'system', id: 'ferry', name: by };
}

export async function writeAudit(
  db: Db,
  { kind, id, name }: AuditActor,
  entries: readonly AuditEntry[],
): Promise<void> {
  if (entries.length === 0) return;
  await db
    .insert(audit)
    .values(
      entries.map(({ detail, ...entry }) => ({ by: name, ...entry, detail: { ...detail, actor: { kind, id } } })),
    );
}

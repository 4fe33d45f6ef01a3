/** The audit: who changed what, when. It only grows; a row is written in the transaction of the change that it tells. */
import { audit } from '#db/schema/audit.ts';
import type { Db } from './client.ts';

/** A person of the console, the token of a script or peer, a person at the command line, or Ferry by itself. */
export type ActorKind = 'person' | 'token' | 'cli' | 'system';

export type AuditActor = {
  readonly kind: ActorKind;
  /** Stable: an account, a client, a program. */
  readonly id: string;
  /** As people know it; what `by` shows. */
  readonly name: string;
};

export type AuditEntry = {
  /** The verb. */
  readonly what: string;
  /** `links/<id>`, `instances/<id>`, `clients/<id>`, `deliveries/<id>`, `mirrors/<id>`, `profiles/<id>` */
  readonly subject: string;
  /** The difference that it made; secrets by name only. */
  readonly detail: Readonly<Record<string, unknown>>;
};

/** Ferry itself. @param by on whose account, where somebody began what it ends */
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

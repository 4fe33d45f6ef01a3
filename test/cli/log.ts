// Writes a mirrored ticket, one that is not mirrored, and what waits into the log, as the worker would.
import { sql } from 'drizzle-orm';
import type { Connection } from '#db/base/client.ts';

export const ids = {
  escalation: '019a0000-0000-7000-8000-000000000001',
  update: '019a0000-0000-7000-8000-000000000002',
  hidden: '019a0000-0000-7000-8000-000000000003',
  lone: '019a0000-0000-7000-8000-000000000004',
  mail: '019a0000-0000-7000-8000-000000000005',
  toNorthwind: '019a0000-0000-7000-8000-000000000011',
  receipt: '019a0000-0000-7000-8000-000000000012',
  toAcme: '019a0000-0000-7000-8000-000000000013',
  held: '019a0000-0000-7000-8000-000000000014',
} as const;

export async function plantTickets({ db }: Connection): Promise<void> {
  await db.execute(
    sql`insert into tickets (instance, external_id) values ('acme', '1001'), ('acme', '1002'), ('northwind', '24018')`,
  );
  await db.execute(sql`insert into mirrors (id, link, state, first_instance, first_ticket, first_number, first_url,
      second_instance, second_ticket, second_number, second_url, opened_at)
    values (${ids.escalation}, 'acme-northwind', 'open', 'acme', '1001', '1001', 'https://acme.example/1001',
      'northwind', '24018', 'NW-24018', 'https://northwind.example/24018', '2026-03-01T09:00:01Z')`);
  await db.execute(sql`insert into lanes (mirror, to_instance, link, last_seq, head_seq, due_at)
    values (${ids.escalation}, 'northwind', 'acme-northwind', 1, 2, null), (${ids.escalation}, 'acme', 'acme-northwind', 3, 3, now())`);
  const person = (name: string, role: string): string => JSON.stringify({ name, role });
  const words = (kind: string, more: object = {}): string => JSON.stringify({ kind, fields: {}, ...more });
  await db.execute(sql`insert into actions (id, instance, ticket, external_id, origin, at, logged_at, author, audience, visibility, note, words, attachments, hash, via, reason)
    values
      (${ids.escalation}, 'acme', '1001', '1', 'acme', '2026-03-01T09:00:00.100Z', '2026-03-01T09:00:00.150Z', ${person('Dana', 'agent')}::jsonb, 'desks', 'hidden',
        '<p>planted note of Dana</p>', ${words('Escalate to MSP', { status: 'With supplier', fields: { Scope: 'Everybody' } })}::jsonb, '[{"id":"a"}]'::jsonb, 'h1', '{acme}', null),
      (${ids.update}, 'northwind', '24018', '1', 'northwind', '2026-03-01T09:05:00Z', '2026-03-01T09:05:00.020Z', ${person('Lena', 'agent')}::jsonb, 'desks', 'visible',
        '<p>planted note of Lena</p>', ${words('Update')}::jsonb, '[]'::jsonb, 'h2', '{northwind}', null),
      (${ids.hidden}, 'northwind', '24018', '2', 'northwind', '2026-03-01T09:06:00Z', '2026-03-01T09:06:00.020Z', ${person('Lena', 'agent')}::jsonb, 'team', 'hidden',
        '<p>planted private</p>', ${words('Private')}::jsonb, '[]'::jsonb, 'h3', '{northwind}', 'hidden'),
      (${ids.mail}, 'northwind', '24018', '3', 'northwind', '2026-03-01T09:07:00Z', '2026-03-01T09:07:00.020Z', ${person('Lena', 'agent')}::jsonb, 'desks', 'visible',
        '<p>planted mail</p>', ${words('Indirect email')}::jsonb, '[]'::jsonb, 'h5', '{northwind}', null),
      (${ids.lone}, 'acme', '1002', '1', 'acme', '2026-03-01T10:00:00Z', '2026-03-01T10:00:00.020Z', null, 'team', 'unknown', null, null, '[]'::jsonb, 'h4', '{acme}', 'no-mirror')`);
  const why = (code: string, text: string): string => JSON.stringify({ code, text });
  await db.execute(sql`insert into deliveries (id, mirror, to_instance, seq, kind, action, escalation, receipt, attempts, outcome, reason, drops, held_at, created_at, ended_at)
    values
      (${ids.toNorthwind}, ${ids.escalation}, 'northwind', 1, 'action', ${ids.escalation}, true, null, 2, 'applied', null,
        ${JSON.stringify([{ code: 'unmapped-status', text: 'The status "With supplier" is not mapped.' }])}::jsonb, null, '2026-03-01T09:00:00.150Z', '2026-03-01T09:00:00.562Z'),
      (${ids.receipt}, ${ids.escalation}, 'acme', 1, 'receipt', ${ids.escalation}, false,
        ${JSON.stringify({ outcome: 'applied', reason: { code: 'applied-as-is', text: 'Applied.' }, farNumber: 'NW-24018' })}::jsonb, 1, 'applied', null, null, null, '2026-03-01T09:00:00.562Z', '2026-03-01T09:00:00.700Z'),
      (${ids.toAcme}, ${ids.escalation}, 'acme', 2, 'action', ${ids.update}, false, null, 1, 'refused',
        ${why('refused-by-desk', 'Acme refused it, in its words: You do not have access to this action at the moment')}::jsonb, null, null, '2026-03-01T09:05:00.020Z', '2026-03-01T09:05:00.116Z'),
      (${ids.held}, ${ids.escalation}, 'acme', 3, 'action', ${ids.mail}, false, null, 1, null,
        ${why('late-mail', 'This would mail the end user now what was written at 09:07.')}::jsonb, null, '2026-03-01T14:00:00Z', '2026-03-01T09:07:00.020Z', null)`);
  await db.execute(sql`insert into attempts (delivery, at, duration_ms, result, reason) values
    (${ids.toNorthwind}, now() - interval '3 s', 120, 'retry', ${why('trouble', 'Northwind could not take it for now.')}::jsonb),
    (${ids.toNorthwind}, now() - interval '2 s', 200, 'applied', null)`);
  await db.execute(sql`insert into writes (delivery, step, instance, ticket, marker, fingerprints, state, promised_at, deadline, settled_at, plan)
    values (${ids.toNorthwind}, 0, 'northwind', '24018', 'm0', '{f}', 'settled', '2026-03-01T09:00:00.3Z', '2026-03-01T09:01:00Z', '2026-03-01T09:00:00.5Z',
        ${JSON.stringify({ command: { kind: 'Log', note: '<p>planted note</p>', visibility: 'visible', status: 'New', category: null, fields: {} }, drops: [] })}::jsonb),
      (${ids.toNorthwind}, 1, 'northwind', '24018', 'm1', '{f}', 'settled', '2026-03-01T09:00:00.5Z', '2026-03-01T09:01:00Z', '2026-03-01T09:00:00.56Z', null)`);
  await db.execute(
    sql`insert into written_ids (instance, ticket, external_id, "as", at) values ('northwind', '24018', '9', 'consequence', '2026-03-01T09:00:00.600Z')`,
  );
}

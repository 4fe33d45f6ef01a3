/**
 * The floor: the cost of carrying a note when nothing else is done. It is straight-line code with the product's own
 * libraries, tables, requests and commits per action, without hints, queues, leases, recognition or Temporal. It is not
 * a product: it loses whatever fails half-way, arrives twice or arrives out of order.
 * `node floor.ts DATABASE_URL NEAR FAR`.
 */
import type { AddressInfo } from 'node:net';
import { sql } from 'drizzle-orm';
import { createLightHelpdesk } from '#bench/light-connector.ts';
import { notAfterIn } from '#connectors/contract/not-after.ts';
import { createHttpClient } from '#connectors/kit/http.ts';
import type { Helpdesk } from '#connectors/contract/helpdesk.ts';
import type { ObservedAction } from '#core/words/desk.ts';
import { sanitiseNote } from '#core/text/html.ts';
import type { Command } from '#core/words/vocabulary.ts';
import { connect, rows } from '#db/base/client.ts';
import { createListener } from '#listener/listener.ts';

const [databaseUrl = '', near = '', far = ''] = process.argv.slice(2);
const connection = connect(databaseUrl, { max: 20, name: 'floor' });
const { db } = connection;
const http = createHttpClient({ allow: { http: true, privateAddresses: ['127.0.0.0/8'] } });
const from = helpdesk('acme', near);
const to = helpdesk('north', far);

function helpdesk(instance: string, url: string): Helpdesk {
  return createLightHelpdesk({ instance, url, credentials: {}, options: {}, http, take: () => Promise.resolve() });
}

type Mirror = { readonly id: string; readonly far: string; readonly since: string; readonly far_since: string };

async function carry(ticket: string): Promise<void> {
  const [mirror] = await rows<Mirror>(
    db,
    sql`select m.id, m.second_ticket as far, to_json(n.cursor)#>>'{}' as since, to_json(f.cursor)#>>'{}' as far_since
      from mirrors m
      join tickets n on n.instance = 'acme' and n.entity = 'ticket' and n.external_id = m.first_ticket
      join tickets f on f.instance = 'north' and f.entity = 'ticket' and f.external_id = m.second_ticket
      where m.first_instance = 'acme' and m.first_entity = 'ticket' and m.first_ticket = ${ticket}`,
  );
  if (mirror === undefined) throw new Error(`${ticket} has no mirror`);
  const reading = await from.read(ticket, mirror.since, AbortSignal.timeout(10_000));
  if (reading.kind !== 'ticket') return;
  const action = reading.actions.findLast((one) => one.author.role !== 'service');
  if (action === undefined) return;
  const note = sanitiseNote(action.note ?? '').html;
  const logged = await log(mirror.id, ticket, action, note);
  const command = commandOf(mirror.far, action, note);
  const [step] = to.steps(command);
  if (step === undefined) return;
  const marker = `${logged.delivery}-0`;
  await db.execute(
    sql`insert into writes (delivery, step, instance, ticket, marker, fingerprints, plan, deadline)
      values (${logged.delivery}, 0, 'north', ${mirror.far}, ${marker}, ${`{${step.fingerprints.join(',')}}`}::text[],
        ${JSON.stringify({ command, drops: [], steps: [step] })}::jsonb, clock_timestamp() + interval '10 seconds')`,
  );
  const written = await to.perform(step, {
    marker,
    signal: AbortSignal.timeout(10_000),
    notAfter: notAfterIn(10_000),
    link: 'acme-north',
    snapshot: null,
    openStaged: () => {
      throw new Error('there are no files');
    },
  });
  const back = await to.read(mirror.far, mirror.far_since, AbortSignal.timeout(10_000));
  if (back.kind === 'ticket')
    await end(mirror, logged.delivery, marker, written.actionIds, back.actions, back.snapshot);
}

async function log(
  mirror: string,
  ticket: string,
  action: ObservedAction,
  note: string,
): Promise<{ readonly delivery: string }> {
  return db.transaction(async (tx) => {
    await tx.execute(
      sql`update tickets set cursor = greatest(cursor, ${action.at}::timestamptz), read_at = now()
        where instance = 'acme' and entity = 'ticket' and external_id = ${ticket}`,
    );
    const [made] = await rows<{ delivery: string }>(
      tx,
      sql`with action as (
          insert into actions (instance, ticket, external_id, origin, at, author, audience, visibility, note, words, hash, via)
          values ('acme', ${ticket}, ${action.externalId}, 'acme', ${action.at}, ${JSON.stringify(action.author)}::jsonb,
            'user', ${action.visibility}, ${note}, ${JSON.stringify(action.words)}::jsonb, 'none', '{acme}')
          on conflict (instance, entity, ticket, external_id) do nothing returning id
        ), lane as (
          update lanes set last_seq = last_seq + 1 where mirror = ${mirror} and to_instance = 'north' returning last_seq
        )
        insert into deliveries (mirror, to_instance, seq, kind, action)
        select ${mirror}, 'north', lane.last_seq, 'action', action.id from lane, action returning id as delivery`,
    );
    if (made === undefined) throw new Error('it was logged before');
    return made;
  });
}

async function end(
  mirror: Mirror,
  delivery: string,
  marker: string,
  ids: readonly string[],
  seen: readonly ObservedAction[],
  snapshot: object,
): Promise<void> {
  const ours = seen.filter((one) => one.marker === marker || ids.includes(one.externalId)).at(-1);
  await db.transaction(async (tx) => {
    await Promise.all([
      tx.execute(
        sql`update tickets set cursor = greatest(cursor, ${ours?.at ?? null}::timestamptz), snapshot = ${JSON.stringify(snapshot)}::jsonb, read_at = now()
          where instance = 'north' and entity = 'ticket' and external_id = ${mirror.far}`,
      ),
      tx.execute(
        sql`insert into written_ids (instance, ticket, external_id, "as", delivery, step, at)
          values ('north', ${mirror.far}, ${ours?.externalId ?? ''}, 'echo', ${delivery}, 0, now())`,
      ),
      tx.execute(
        sql`update writes set state = 'settled', settled_at = now(), written = ${JSON.stringify({ ticketId: mirror.far, actionIds: ids })}::jsonb
          where delivery = ${delivery} and step = 0`,
      ),
      tx.execute(
        sql`update deliveries set outcome = 'applied', ended_at = clock_timestamp(), attempts = 1, first_tried_at = now()
          where id = ${delivery}`,
      ),
      tx.execute(sql`insert into attempts (delivery, duration_ms, result) values (${delivery}, 0, 'applied')`),
      tx.execute(sql`update lanes set head_seq = last_seq + 1 where mirror = ${mirror.id} and to_instance = 'north'`),
    ]);
  });
}

function commandOf(ticketId: string, action: ObservedAction, note: string): Command {
  return {
    ticketId,
    kind: 'Note',
    note,
    visibility: 'visible',
    mailsUser: false,
    author: { display: `${action.author.name} (ACME)` },
    at: action.at,
    fields: {},
    attachments: [],
  };
}

const server = createListener((request, response) => {
  let body = '';
  request.setEncoding('utf8').on('data', (text: string) => (body += text));
  request.on('end', () => {
    response.writeHead(202).end();
    carry((JSON.parse(body) as { ticket: string }).ticket).catch((error: unknown) =>
      process.stderr.write(`${String(error)}\n`),
    );
  });
});
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
process.stdout.write(
  `${JSON.stringify({ ready: true, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` })}\n`,
);
process.once('SIGTERM', () => {
  server.closeAllConnections();
  server.close();
  void connection.close().then(() => http.close());
});

/** Outgoing webhooks: unsigned, sent once without retries, each delivery recorded. */
import { randomUUID } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Announcement } from './desk.ts';
import type { Faults } from './faults.ts';
import type { Input } from './input.ts';
import type { Webhook } from './model.ts';
import type { Store } from './store.ts';
import { zoneless } from './time.ts';

export interface Webhooks {
  fire(announcement: Announcement): void;
  /** Deliveries that are under way or held back for reordering. */
  pending(): number;
  close(): void;
}

const timeoutMs = 5000;
/** A delivery that is held back goes out after this long if nothing overtakes it. */
const reorderMs = 2_000;
/** A batch is everything that arrives within this time. */
const batchMs = 200;
const keptEvents = 2000;

/** Sends a desk's webhooks. */
export function createWebhooks(store: Store, faults: Faults, now: () => number): Webhooks {
  const closing = new AbortController();
  const timers = new Set<NodeJS.Timeout>();
  let inFlight = 0;
  let heldBack: (() => void)[] = [];
  const batches = new Map<number, { readonly announcement: Announcement; readonly said: Input[] }>();

  function gather(webhook: Webhook, announcement: Announcement, said: Input): void {
    const open = batches.get(webhook.id);
    if (open !== undefined) return void open.said.push(said);
    const batch = { announcement, said: [said] };
    batches.set(webhook.id, batch);
    const timer = setTimeout(() => {
      timers.delete(timer);
      batches.delete(webhook.id);
      send(webhook, announcement, JSON.stringify(batch.said));
    }, batchMs);
    timers.add(timer);
  }

  function release(): void {
    const waiting = heldBack;
    heldBack = [];
    for (const send of waiting) send();
  }

  function send(webhook: Webhook, announcement: Announcement, body: string, arrived = (): void => undefined): void {
    inFlight++;
    const began = now();
    const done = (responsestatus: number, responsebody: string): void => {
      inFlight--;
      if (closing.signal.aborted) return;
      arrived();
      const id = store.nextNumber('webhook_event', 1);
      const event = {
        id,
        webhook_id: webhook.guid,
        timestamp: zoneless(began),
        duration: (now() - began) / 1000,
        status: responsestatus >= 200 && responsestatus < 300 ? 1 : 2,
        requestbody: body,
        responsestatus,
        responsebody,
        entity_id: announcement.ticketId,
        error: responsestatus < 200 || responsestatus >= 300,
      };
      store.run('insert into webhook_events values (?, ?, ?)', id, webhook.id, JSON.stringify(event));
      if (id > keptEvents) store.run('delete from webhook_events where id <= ?', id - keptEvents);
    };
    postJson(webhook, body, closing.signal, done);
  }

  return {
    fire(announcement) {
      for (const webhook of store.list('webhook')) {
        if (!webhook.active) continue;
        if (webhook.events.length > 0 && !webhook.events.includes(announcement.event)) continue;
        const said = payload(store, webhook, announcement, now());
        const isText = webhook.body === 'text';
        const body = isText ? `${announcement.event}: look at ticket ${announcement.ticketId}` : JSON.stringify(said);
        const fault = faults.takeWebhook();
        if (fault === 'webhook-drop') continue;
        if (webhook.batched === true && !isText) {
          gather(webhook, announcement, said);
          continue;
        }
        const go = (): void => send(webhook, announcement, body);
        if (fault === 'webhook-reorder') {
          heldBack.push(go);
          const timer = setTimeout(() => {
            timers.delete(timer);
            release();
          }, reorderMs);
          timers.add(timer);
          continue;
        }
        // A delivery that is held back follows once the one that overtakes it has arrived.
        send(webhook, announcement, body, release);
        if (fault === 'webhook-duplicate') go();
      }
    },
    pending: () => inFlight + heldBack.length + batches.size,
    close() {
      closing.abort();
      for (const timer of timers) clearTimeout(timer);
    },
  };
}

/** Builds a delivery: ids, and the little that a notification shows. A receiver must read the rest itself. */
function payload(store: Store, webhook: Webhook, announcement: Announcement, now: number): Input {
  const { event, ticketId, actionIds } = announcement;
  if (webhook.body === 'event') return { event };
  const ticket = store.ticket(ticketId);
  const action = store.action(ticketId, actionIds.at(-1) ?? 0);
  const small = { id: ticketId, summary: ticket?.summary ?? '', status_id: ticket?.status_id ?? 0 };
  const full = { ...small, client_id: ticket?.client_id ?? 0, last_update: ticket?.last_update ?? '' };
  return {
    id: randomUUID(),
    webhook_id: webhook.guid,
    notification_id: 0,
    escmsg_id: 0,
    event,
    message: `${event}: ${ticketId}`,
    object_id: ticketId,
    agent_id: action?.who_agentid ?? 0,
    timestamp: `${zoneless(now)}Z`,
    ticket: webhook.body === 'small' ? small : full,
  };
}

function postJson(
  webhook: Webhook,
  body: string,
  signal: AbortSignal,
  done: (status: number, text: string) => void,
): void {
  let ended = false;
  const end = (status: number, text: string): void => {
    if (ended) return;
    ended = true;
    done(status, text.slice(0, 2000));
  };
  try {
    const send = webhook.url.startsWith('https:') ? httpsRequest : httpRequest;
    const request = send(webhook.url, {
      method: 'POST',
      agent: false,
      timeout: timeoutMs,
      signal,
      headers: {
        'content-type': webhook.body === 'text' ? 'text/plain' : 'application/json',
        'content-length': Buffer.byteLength(body),
        ...basic(webhook),
      },
    });
    request.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => {
        if (text.length < 2000) text += part;
      });
      response.on('close', () => end(response.statusCode ?? 0, text));
    });
    request.on('timeout', () => request.destroy(new Error('timed out')));
    request.on('error', (error) => end(0, error.message));
    request.end(body);
  } catch (error) {
    end(0, error instanceof Error ? error.message : 'failed');
  }
}

function basic(webhook: Webhook): Record<string, string> {
  if (webhook.authentication_type !== 1) return {};
  const pair = Buffer.from(`${webhook.basic_username}:${webhook.basic_password}`).toString('base64');
  return { authorization: `Basic ${pair}` };
}

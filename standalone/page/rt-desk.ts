/** Northwind's desk if it is a Request Tracker, read over REST2 as Ferry's own user. */
import { createHash } from 'node:crypto';

import type { PageDesk, DeskAction, DeskTicket } from './desks.ts';

const answerWithinMs = 5_000;
/** The transactions that people see as entries. */
const entries = new Set(['Correspond', 'Comment', 'Status']);

type RtTransaction = {
  readonly id: string;
  readonly Type: string;
  readonly Creator: { readonly id: string };
};

/** Opens the desk. @param ferry the name of Ferry's own user there */
export function rtDesk(url: string, token: string, ferry = 'gateway'): PageDesk {
  /** Digests of pictures that were already read, by attachment; they never change. */
  const digests = new Map<string, string>();
  /** The highest ticket number before the demo's (re)start. */
  let base = 0;

  async function get<T>(path: string): Promise<T> {
    const reply = await fetch(`${url}/REST/2.0${path}`, {
      headers: { authorization: `token ${token}` },
      signal: AbortSignal.timeout(answerWithinMs),
    });
    if (!reply.ok) throw new Error(`Request Tracker answered ${reply.status}`);
    return (await reply.json()) as T;
  }
  async function find(query: string): Promise<readonly number[]> {
    const path = `/tickets?query=${encodeURIComponent(query)}&orderby=id&order=DESC&per_page=20`;
    const { items } = await get<{ readonly items: readonly { readonly id: string }[] }>(path);
    return items.map(({ id }) => Number(id));
  }
  async function pictures(id: string): Promise<DeskTicket['attachments']> {
    const list = await get<{ readonly items: readonly { id: string; ContentType: string }[] }>(
      `/ticket/${id}/attachments?fields=ContentType&per_page=100`,
    );
    return Promise.all(
      list.items
        .filter(({ ContentType: type }) => type.startsWith('image/'))
        .map(async ({ id: attachment }) => {
          const known = digests.get(attachment);
          if (known !== undefined) return { action_id: 0, sha256: known };
          const { Content } = await get<{ readonly Content: string }>(`/attachment/${attachment}`);
          const sha256 = createHash('sha256').update(Buffer.from(Content, 'base64')).digest('hex');
          digests.set(attachment, sha256);
          return { action_id: 0, sha256 };
        }),
    );
  }

  return {
    url,
    async ticket(id) {
      const [ticket, history, attachments] = await Promise.all([
        get<{
          readonly id: number;
          readonly Status: string;
          readonly Queue: { readonly Name?: string; readonly id: string };
          readonly Requestor: readonly { readonly id: string }[];
        }>(`/ticket/${id}?fields[Queue]=Name`),
        get<{ readonly items: readonly RtTransaction[] }>(`/ticket/${id}/history?fields=Type,Creator&per_page=100`),
        pictures(id),
      ]);
      return {
        id: ticket.id,
        status_name: ticket.Status,
        tickettype_name: `ticket in queue ${ticket.Queue.Name ?? 'Acme'}`,
        user_name: ticket.Requestor[0]?.id ?? 'nobody',
        attachments,
        actions: history.items
          // A change that Ferry makes together with its note is not an entry of its own.
          .filter(({ Type: type, Creator: { id: by } }) => entries.has(type) && !(by === ferry && type === 'Status'))
          .map(({ id: transaction, Type: type, Creator: creator }): DeskAction => ({
            id: Number(transaction),
            ticket_id: ticket.id,
            outcome: type,
            who: creator.id,
            hiddenfromuser: type !== 'Correspond',
            issystem: creator.id === 'RT_System',
            actionby_application_id: creator.id === ferry ? ferry : '',
            actionby_user_id: 0,
          })),
      };
    },
    portal: async () => null,
    mails: async () => [],
    mirrorsOf: async (far) => (await find(`id > ${base} AND 'CF.{RemoteRef}' LIKE '${Number(far)}'`)).length,
    // RT keeps its tickets; only newer ones count from now on.
    async reset() {
      base = (await find("Queue = 'Acme'"))[0] ?? 0;
    },
    // RT has no log to ask; the database knows the writes in progress.
    recentRequests: async () => 0,
  };
}

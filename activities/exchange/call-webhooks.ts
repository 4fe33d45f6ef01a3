/** Calls the webhooks of API clients when there is something to read. A chore of the sweeper. */
import type { HttpClient } from '#connectors/contract/http.ts';
import { callWebhook } from '#protocols/ferry/webhook.ts';
import type { Client } from '#db/base/client.ts';
import { claimWebhooks, disableWebhook, webhookContext, webhookFailed, webhookTold } from '#db/exchange/webhooks.ts';
import type { DueWebhook } from '#db/exchange/webhooks.ts';
import type { Log } from '#activities/deps.ts';

export type CallWebhooksDeps = {
  readonly db: Client;
  readonly http: HttpClient;
  readonly open: (sealed: string, context: string) => Promise<string>;
  readonly log: Log;
  readonly now?: () => Date;
};

const atOnce = 10;
/** Longer than a call can take. Milliseconds. */
const claimMs = 60_000;
const firstRetryMs = 5_000;
const longestRetryMs = 3_600_000;
/** About a week of attempts. */
const mostFailures = 180;

export async function callWebhooks(deps: CallWebhooksDeps): Promise<void> {
  const due = await claimWebhooks(deps.db, atOnce, claimMs);
  await Promise.all(due.map((webhook) => callOne(deps, webhook)));
}

async function callOne(deps: CallWebhooksDeps, webhook: DueWebhook): Promise<void> {
  const { db, log } = deps;
  const { link, url, position, failures } = webhook;
  let wait: number | null = null;
  try {
    const secret = await deps.open(webhook.secret, webhookContext(link));
    const at = deps.now?.() ?? new Date();
    const body = { type: 'ferry.entries', timestamp: at.toISOString(), data: { position } };
    const { status, retryAfterMs } = await callWebhook(deps.http, { url, secret, id: `${link}-${position}`, at, body });
    if (status >= 200 && status <= 299) return await webhookTold(db, link, position);
    if (status === 410)
      return await disableWebhook(
        db,
        link,
        'The webhook answered 410, so it is no longer called. Set it again to resume.',
      );
    log.warn({ link, status }, 'a webhook did not answer with success; it will be called again');
    wait = retryAfterMs;
  } catch (error) {
    log.warn({ err: error, link }, 'a webhook could not be called; it will be called again');
  }
  if (failures + 1 >= mostFailures)
    return disableWebhook(
      db,
      link,
      'The webhook has not answered for a week, so it is no longer called. Set it again to resume.',
    );
  const backoff = Math.min(firstRetryMs * 2 ** failures, longestRetryMs);
  await webhookFailed(db, link, Math.min(Math.max(wait ?? 0, backoff), longestRetryMs));
}

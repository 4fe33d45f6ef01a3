/** Calls an API client's webhook, signed as in Standard Webhooks. */
import { Webhook } from 'standardwebhooks';
import { pauseOf } from '#core/words/retry.ts';
import type { HttpClient } from '#connectors/contract/http.ts';

export type WebhookCall = {
  readonly url: string;
  /** `whsec_…` */
  readonly secret: string;
  /** Id of the call, the same for every try. */
  readonly id: string;
  readonly at: Date;
  readonly body: object;
};

const timeoutMs = 15_000;
const maxBytes = 64 * 1024;

/** Returns the answer's status, and the pause that it asks for. Throws HelpdeskError. */
export async function callWebhook(
  http: HttpClient,
  { url, secret, id, at, body }: WebhookCall,
): Promise<{ readonly status: number; readonly retryAfterMs: number | null }> {
  const text = JSON.stringify(body);
  const { status, headers } = await http.request({
    method: 'POST',
    notAfter: null,
    url,
    headers: {
      'content-type': 'application/json',
      'webhook-id': id,
      'webhook-timestamp': String(Math.floor(at.getTime() / 1000)),
      'webhook-signature': new Webhook(secret).sign(id, at, text),
    },
    body: text,
    signal: new AbortController().signal,
    timeoutMs,
    maxBytes,
  });
  return { status, retryAfterMs: pauseOf(headers['retry-after'], Date.now()) ?? null };
}

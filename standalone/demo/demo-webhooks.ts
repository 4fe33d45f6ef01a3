/** Registers Ferry's webhook at a Halo twin, over the API of a real Halo. */
import { hookEvents } from '#twins/halo/desk.ts';
import type { DemoDesk } from './demo-desks.ts';
import { demoFailed } from '#standalone/machine/errors.ts';

const name = 'Ferry';
/** All events, by the desk's own names; a desk never sends an event whose name it does not know. */
const events: readonly string[] = hookEvents;
const answerWithinMs = 10_000;

type Webhook = {
  readonly id: string;
  readonly name: string;
  readonly url: string;
  readonly active: boolean;
  readonly events: readonly { readonly name: string }[];
};

/**
 * Makes the desk call `hookUrl` with exactly one webhook, whatever earlier starts registered.
 * @throws StandaloneError demo-failed
 */
export async function ensureWebhook(desk: DemoDesk, hookUrl: string, signal: AbortSignal): Promise<void> {
  const call = await loggedIn(desk, signal);
  const all = (await call('GET', '/api/Webhook')) as readonly Webhook[];
  const found = all.find((webhook) => webhook.name === name);
  if (found !== undefined && isAsWanted(found, hookUrl)) return;
  await call('POST', '/api/Webhook', [
    {
      ...(found === undefined ? {} : { id: found.id }),
      name,
      url: hookUrl,
      active: true,
      events: events.map((event) => ({ name: event })),
    },
  ]);
}

function isAsWanted(webhook: Webhook, hookUrl: string): boolean {
  const subscribed = webhook.events.map((event) => event.name);
  return webhook.active && webhook.url === hookUrl && events.every((event) => subscribed.includes(event));
}

type Call = (method: string, path: string, body?: unknown) => Promise<unknown>;

async function loggedIn({ url, clientId, clientSecret }: DemoDesk, signal: AbortSignal): Promise<Call> {
  const request = async (path: string, init: RequestInit): Promise<unknown> => {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(answerWithinMs)]);
    const response = await fetch(url + path, { ...init, signal: limit, redirect: 'error' });
    if (!response.ok) throw demoFailed(`${url}${path} answered ${response.status}`);
    return response.json();
  };
  const credentials = { client_id: clientId, client_secret: clientSecret };
  const body = new URLSearchParams({ grant_type: 'client_credentials', scope: 'all', ...credentials });
  const token = (await request('/auth/token', { method: 'POST', body })) as { readonly access_token: string };
  return (method, path, content) =>
    request(path, {
      method,
      headers: { authorization: `Bearer ${token.access_token}`, 'content-type': 'application/json' },
      ...(content === undefined ? {} : { body: JSON.stringify(content) }),
    });
}

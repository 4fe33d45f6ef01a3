/** Sets the webhook that tells an API client that there is something to read. Signed as in Standard Webhooks. */
import { randomBytes } from 'node:crypto';
import { reachOf } from '#core/words/reach.ts';
import { linkEnds } from '#db/exchange/receive-actions.ts';
import { deleteWebhook, saveWebhook, webhookContext } from '#db/exchange/webhooks.ts';
import { ProblemError } from '#gateway/problems.ts';
import type { ApiDeps } from './deps.ts';
import { endpoint, type Api } from './endpoint.ts';
import { webhookMade, webhookSchema } from './schemas.ts';

export function webhookEndpoints(api: Api, deps: ApiDeps): void {
  const tags = ['webhook'];
  endpoint(
    api,
    {
      method: 'put',
      path: '/v1/webhook',
      id: 'setWebhook',
      summary: 'Set the webhook for new entries',
      description: 'One per link; a new one replaces it. The call contains only the position of the newest entry.',
      tags,
      body: webhookSchema,
      answers: { 200: { description: 'The webhook is set. The secret signs every call.', schema: webhookMade } },
      problems: ['url-not-allowed', 'not-for-gateways'],
    },
    async (c, { caller, body }) => {
      const ends = await linkEnds(deps.db, caller.link, caller.role);
      if (ends === null) throw new ProblemError('not-found');
      if (reachOf(ends.senderType) !== 'api')
        throw new ProblemError('not-for-gateways', 'Gateways receive everything by calls.');
      await deps.checkWebhook(withoutQuery(body.url)).catch((error: unknown) => {
        throw asRefusal(error);
      });
      const secret = body.secret ?? `whsec_${randomBytes(32).toString('base64')}`;
      const sealed = await deps.seal(secret, webhookContext(caller.link));
      await saveWebhook(deps.db, caller.link, body.url, sealed);
      return c.json({ url: body.url, secret });
    },
  );
  endpoint(
    api,
    {
      method: 'delete',
      path: '/v1/webhook',
      id: 'deleteWebhook',
      summary: 'Remove the webhook',
      tags,
      answers: { 204: { description: 'There is no webhook now.' } },
      problems: [],
    },
    async (c, { caller }) => {
      await deleteWebhook(deps.db, caller.link);
      return c.body(null, 204);
    },
  );
}

/** Removes the query before checking the URL, because the check is made for peers' URLs, which have none. */
function withoutQuery(text: string): string {
  const url = new URL(text);
  url.search = '';
  return url.href;
}

/** Does not save a URL whose name has no address at the moment. */
function asRefusal(error: unknown): unknown {
  if (!(error instanceof Error) || error.name !== 'HelpdeskError' || !('code' in error)) return error;
  const inside =
    error.code === 'name-not-found' ? error.message : 'Use https at a public address and port 443 or 8443.';
  return new ProblemError('url-not-allowed', inside);
}

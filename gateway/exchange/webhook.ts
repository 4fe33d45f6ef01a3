/** Where a side without a gateway wants to hear that there is something to read. Signed as Standard Webhooks has it. */
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
      summary: 'Be called when there is something to read',
      description: 'One per link; another one replaces it. The call says only up to which position there is something.',
      tags,
      body: webhookSchema,
      answers: { 200: { description: 'It is set. The secret signs every call.', schema: webhookMade } },
      problems: ['url-not-allowed', 'not-for-gateways'],
    },
    async (c, { caller, body }) => {
      const ends = await linkEnds(deps.db, caller.link, caller.role);
      if (ends === null) throw new ProblemError('not-found');
      if (reachOf(ends.senderType) !== 'api')
        throw new ProblemError('not-for-gateways', 'What there is for a gateway is sent to it.');
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
      summary: 'Be called no more',
      tags,
      answers: { 204: { description: 'It is gone, or never was.' } },
      problems: [],
    },
    async (c, { caller }) => {
      await deleteWebhook(deps.db, caller.link);
      return c.body(null, 204);
    },
  );
}

/** Whether a URL may be called is not a matter of its query, which a peer's URL has not. */
function withoutQuery(text: string): string {
  const url = new URL(text);
  url.search = '';
  return url.href;
}

/** The name may have no address just now: then it is not saved either. */
function asRefusal(error: unknown): unknown {
  if (!(error instanceof Error) || error.name !== 'HelpdeskError' || !('code' in error)) return error;
  const inside =
    error.code === 'name-not-found' ? error.message : 'Use https at a public address and port 443 or 8443.';
  return new ProblemError('url-not-allowed', inside);
}

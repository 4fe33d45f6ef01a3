/** Where a side without a gateway wants to hear that there is something to read. Signed as Standard Webhooks has it. */
import { randomBytes } from 'node:crypto';
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
      problems: ['url-not-allowed'],
    },
    async (c, { caller, body }) => {
      const url = new URL(body.url);
      if (url.username !== '' || url.password !== '')
        throw new ProblemError('url-not-allowed', 'Leave out user and password.');
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

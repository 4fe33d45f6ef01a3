/** `/api/Attachment/image`: pictures in notes, written by multipart and read without a login; `/cdn`: signed links to files. */
import { randomUUID } from 'node:crypto';
import type { Hono } from 'hono';
import { download } from './api-attachments.ts';
import { attachBytes } from './attachments.ts';
import { actorOf, needScope } from './auth.ts';
import { HaloError, notFound, refused } from './errors.ts';
import { queryOf } from './lists.ts';
import { isFileLink, pictureOf, pictureUrl } from './pictures.ts';
import type { Env, Serving } from './serving.ts';
import { idOf, wait } from './serving.ts';

/** Adds the routes. Call it before those of `/api/attachment/:id` are added. */
export function pictureRoutes(app: Hono<Env>, serving: Serving): void {
  const { desk } = serving;

  app.post('/api/attachment/image', async (c) => {
    needScope(desk, c.get('login'), 'edit:tickets');
    actorOf(desk.store, c.get('login'));
    const form = await c.req.formData().catch(() => null);
    const file = form?.get('file');
    if (!(file instanceof File)) throw refused('A file is required');
    await wait(c);
    const element = { filename: file.name, content_type: file.type, isimage: true };
    const ticketId = Number(queryOf(c.req.url).get('ticket_id') ?? 0) || 0;
    const guid = randomUUID();
    attachBytes(desk, ticketId, 0, element, Buffer.from(await file.arrayBuffer()), guid);
    return c.json({ link: pictureUrl(desk, guid) }, 201);
  });

  app.get('/api/attachment/image', async (c) => {
    const picture = pictureOf(desk, new URL(c.req.url).searchParams.get('token') ?? '');
    if (picture === null) throw notFound('Image');
    return download(c, serving, picture.id);
  });

  app.get('/cdn/:id', async (c) => {
    const { searchParams } = new URL(c.req.url);
    const id = idOf(c);
    const isSigned = isFileLink(desk, id, Number(searchParams.get('until')), searchParams.get('signature') ?? '');
    // Such stores behave like this: a signed address accepts no other proof.
    if (c.req.header('authorization') !== undefined) throw new HaloError(400, 'InvalidArgument', 'InvalidArgument');
    if (!isSigned) throw new HaloError(403, 'AccessDenied', '');
    return download(c, serving, id);
  });
}

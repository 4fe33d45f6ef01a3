/** `/api/Attachment`: uploads are decoded to disk as they arrive, downloads are streamed from it. */
import { randomUUID } from 'node:crypto';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import type { Hono } from 'hono';
import { answer } from './api-tickets.ts';
import type { Received } from './attachments.ts';
import { attachFile, attachmentView, blobPath, dropAttachment } from './attachments.ts';
import { actorOf, needRights, needScope } from './auth.ts';
import { notFound, refused } from './errors.ts';
import type { Input } from './input.ts';
import { wholeOf } from './input.ts';
import { queryOf } from './lists.ts';
import type { Attachment } from './model.ts';
import { fileLink } from './pictures.ts';
import type { Ctx, Env, Serving } from './serving.ts';
import { checkElements, idOf, wait } from './serving.ts';
import { needTicket } from './tickets.ts';
import { stampAfter } from './time.ts';
import { receiveUpload, removeFiles } from './upload.ts';

/** Adds the routes. */
export function attachmentRoutes(app: Hono<Env>, serving: Serving): void {
  const { desk } = serving;
  const { store } = desk;

  app.post('/api/attachment', async (c) => {
    needScope(desk, c.get('login'), 'edit:tickets');
    actorOf(store, c.get('login'));
    const newPath = (): string => join(desk.blobs, `upload-${randomUUID()}`);
    const upload = await receiveUpload(c.env.incoming, newPath, serving.maxAttachmentBytes);
    try {
      await wait(c);
      const elements = checkElements(c, upload.body);
      const done = store.atomically(() => elements.map((element) => attachOne(element, upload.files)));
      return answer(c, desk, done.map(attachmentView));
    } finally {
      await removeFiles(upload.files);
    }
  });

  app.get('/api/attachment', (c) => {
    needScope(desk, c.get('login'), 'read:tickets', 'edit:tickets');
    const query = queryOf(c.req.url);
    const ticketId = Number(query.get('ticket_id') ?? 0);
    const actionId = query.get('action_id');
    const ticket = needTicket(desk, ticketId);
    needRights(desk, c.get('login'), ticket);
    const found = store
      .attachments(ticket.id, actionId === undefined ? undefined : Number(actionId))
      .filter(({ guid }) => guid === undefined);
    const attachments = found.map(attachmentView);
    return c.json({ ticket_id: ticket.id, record_count: found.length, folders: [], attachments });
  });

  app.get('/api/attachment/:id', async (c) => {
    needScope(desk, c.get('login'), 'read:tickets', 'edit:tickets');
    const attachment = needAttachment(serving, idOf(c));
    if (attachment.ticket_id > 0) needRights(desk, c.get('login'), needTicket(desk, attachment.ticket_id));
    const { files } = desk.profile;
    const isLink = files === 'link' || (files === 'mixed' && !attachment.isimage);
    return isLink ? c.json({ link: fileLink(desk, attachment.id) }) : download(c, serving, attachment.id);
  });

  app.delete('/api/attachment/:id', (c) => {
    needScope(desk, c.get('login'), 'edit:tickets');
    const attachment = needAttachment(serving, idOf(c));
    dropAttachment(desk, attachment.id);
    return c.json({ id: attachment.id });
  });

  function attachOne(element: Input, files: readonly Received[]): Attachment {
    const file = files[Number(element.data_base64)];
    if (file === undefined) throw refused('data_base64 is required');
    const ticket = needTicket(desk, wholeOf(element, 'ticket_id') ?? 0);
    const actionId = wholeOf(element, 'action_id') ?? 0;
    const action = actionId > 0 ? store.action(ticket.id, actionId) : null;
    if (actionId > 0 && action === null) throw notFound(`Action ${actionId} of ticket ${ticket.id}`);
    const most = desk.profile.fileMaxBytes;
    if (most > 0 && file.size > most) throw refused('The file is too large');
    const attachment = attachFile(desk, ticket.id, actionId, element, file);
    ticket.last_update = stampAfter(desk.now(), ticket.last_update);
    if (action !== null) {
      action.last_updated = ticket.last_update;
      store.saveAction(action);
    }
    store.saveTicket(ticket);
    desk.announce({
      event: 'ticket updated',
      ticketId: ticket.id,
      actionIds: actionId > 0 ? [actionId] : [],
    });
    return attachment;
  }
}

function needAttachment({ desk }: Serving, id: number): Attachment {
  const attachment = desk.store.attachment(id);
  if (attachment === null) throw notFound(`Attachment ${id}`);
  if (attachment.ticket_id > 0) needTicket(desk, attachment.ticket_id);
  return attachment;
}

/** Streams an attachment's bytes; `headers` override its own. A reply that is to be lost breaks off in the middle. */
export async function download(
  c: Ctx,
  serving: Serving,
  id: number,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  const attachment = needAttachment(serving, id);
  const { outgoing } = c.env;
  const cut = c.get('faults')?.some((fault) => fault.kind === 'reply-lost-after-commit') === true;
  outgoing.writeHead(200, {
    'content-type': attachment.content_type,
    'content-length': attachment.filesize,
    'content-disposition': `attachment; filename*=UTF-8''${encodeURIComponent(attachment.filename)}`,
    'x-content-type-options': 'nosniff',
    ...headers,
  });
  const size = cut ? Math.floor(attachment.filesize / 2) : attachment.filesize;
  await sendFile(blobPath(serving.desk, id), size, outgoing).catch(() => outgoing.destroy());
  if (cut) outgoing.destroy();
  else outgoing.end();
  return RESPONSE_ALREADY_SENT;
}

/**
 * Writes a file piece by piece, each after the previous one has been sent, so that one buffer is enough for a file of any
 * size.
 */
async function sendFile(path: string, size: number, outgoing: Ctx['env']['outgoing']): Promise<void> {
  const file = await open(path);
  try {
    const scratch = Buffer.allocUnsafeSlow(128 * 1024);
    let left = size;
    while (left > 0) {
      const { bytesRead } = await file.read(scratch, 0, Math.min(left, scratch.length));
      if (bytesRead === 0) throw new Error('The file is shorter than it was');
      await written(outgoing, scratch.subarray(0, bytesRead));
      left -= bytesRead;
    }
  } finally {
    await file.close();
  }
}

async function written(outgoing: Ctx['env']['outgoing'], piece: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const left = (): void => reject(new Error('The caller has left'));
    outgoing.once('close', left);
    outgoing.write(piece, (error) => {
      outgoing.off('close', left);
      if (error === null || error === undefined) resolve();
      else reject(error);
    });
  });
}

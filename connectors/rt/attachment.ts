/** A file out of RT. */
import { pipeline } from 'node:stream';
import { HelpdeskError } from '#connectors/contract/errors.ts';
import type { OpenedAttachment } from '#connectors/contract/helpdesk.ts';
import type { Readable } from 'node:stream';
import { attachedMail, attachedMailPart } from './attached-mail.ts';
import { query } from './client.ts';
import type { RtClient } from './client.ts';
import { contentOf } from './content.ts';
import { foundPartSchema, partSchema } from './wire.ts';
import type { RtPart } from './wire.ts';

export async function openAttachment(
  client: RtClient,
  ticketId: string,
  attachmentId: string,
  signal: AbortSignal,
): Promise<OpenedAttachment> {
  const mail = attachedMailPart(attachmentId);
  if (mail !== null) return openMail(client, ticketId, mail, signal);
  const purpose = { what: `give file ${attachmentId}`, write: false, about: 'file' } as const;
  try {
    const { stream } = await client.stream(`/attachment/${encodeURIComponent(attachmentId)}`, purpose, signal);
    // Errors reach the reader of the last stream; pipeline destroys the others.
    const content = pipeline(stream, contentOf(), () => undefined);
    return { stream: content, sizeBytes: null, type: null };
  } catch (error) {
    // RT 5.0 fails with 500 where there is no such file.
    if (!(error instanceof HelpdeskError) || error.code !== 'server-error') throw error;
    const filters = [{ field: 'id', value: attachmentId }];
    const path = `/ticket/${encodeURIComponent(ticketId)}/attachments${query({ fields: 'TransactionId', per_page: 1 })}`;
    const found = await client.search(path, filters, foundPartSchema, purpose, signal);
    if (found.length > 0) throw error;
    throw new HelpdeskError('gone', 'file-gone', `RT has no file ${attachmentId} on ticket #${ticketId} any more.`);
  }
}

/** A mail attached to a message, put together from its parts. */
async function openMail(
  client: RtClient,
  ticketId: string,
  partId: string,
  signal: AbortSignal,
): Promise<OpenedAttachment> {
  const purpose = { what: `give the mail ${partId}`, write: false, about: 'file' } as const;
  const path = `/ticket/${encodeURIComponent(ticketId)}/attachments`;
  const [self] = await client.search(
    `${path}${query({ fields: 'TransactionId,ContentType,Headers', per_page: 1 })}`,
    [{ field: 'id', value: partId }],
    partSchema,
    purpose,
    signal,
  );
  if (self === undefined) {
    throw new HelpdeskError('gone', 'file-gone', `RT has no mail ${partId} on ticket #${ticketId} any more.`);
  }
  const parts: RtPart[] = [];
  for (;;) {
    const page = await client.search(
      `${path}${query({ fields: 'TransactionId,Parent,ContentType,Filename,Headers', per_page: 100, orderby: 'id' })}`,
      [
        { field: 'TransactionId', value: self.TransactionId },
        // RT 5.0 fails to show the parent of a part that has none.
        { field: 'Parent', operator: '>', value: 0 },
        { field: 'id', operator: '>', value: parts.at(-1)?.id ?? 0 },
      ],
      partSchema,
      purpose,
      signal,
    );
    parts.push(...page);
    if (page.length < 100) break;
  }
  const open = async (id: string): Promise<Readable> => (await openAttachment(client, ticketId, id, signal)).stream;
  return { stream: attachedMail([...parts, self], partId, open), sizeBytes: null, type: 'message/rfc822' };
}

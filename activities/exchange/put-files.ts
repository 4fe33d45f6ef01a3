/**
 * Brings an action's files to the peer before the action itself: asks for each first, and streams it if the peer lacks
 * it.
 */
import { HelpdeskError } from '#connectors/contract/errors.ts';
import { missingFile } from '#core/text/html.ts';
import { FileTrouble } from '#activities/desk/instance-trouble.ts';
import { reason } from '#core/words/reasons.ts';
import { safeName } from '#core/text/safe-name.ts';
import type { Outgoing } from '#core/conversation/send.ts';
import type { Attachment } from '#core/words/vocabulary.ts';
import type { WorkDeps } from '#activities/deps.ts';
import type { Peer } from './peers.ts';
import type { Semaphore } from '#activities/desk/semaphore.ts';

type Sendable = Pick<Attachment, 'name' | 'type' | 'sizeBytes' | 'sha256'>;

type Receiver = Pick<Peer, 'client' | 'limits' | 'issuer'>;

/**
 * Returns null if the peer has the file now, otherwise why it does not accept it. Throws HelpdeskError or FileTrouble
 * for temporary trouble.
 */
export async function putFile(
  deps: Pick<WorkDeps, 'blobs'>,
  { client, limits, issuer }: Receiver,
  putting: Semaphore,
  { sha256, sizeBytes, type }: Sendable,
  signal: AbortSignal,
): Promise<string | null> {
  if (sha256 === null) return 'Its contents are not here.';
  const most = limits?.attachmentBytes;
  if (most !== undefined && (sizeBytes ?? 0) > most) {
    return `The other side accepts files of up to ${Math.floor(most / 1024 / 1024)} MB.`;
  }
  const release = await putting.acquire(signal);
  try {
    if (await client.hasFile(sha256, signal)) return null;
    if (!(await deps.blobs.has(sha256))) return 'Its contents are no longer kept.';
    await client.putFile({ sha256, sizeBytes: sizeBytes ?? 0, type }, () => deps.blobs.open(sha256), signal);
    return null;
  } catch (error) {
    if (!(error instanceof HelpdeskError)) throw error;
    if (error.class === 'refused') return error.message;
    // Over its limit, or its disk is full: only this file waits.
    if (error.class === 'slow-down') throw new FileTrouble(issuer, error);
    throw error;
  } finally {
    release();
  }
}

/** Replaces files that the peer does not accept with visible placeholders; the note is sent regardless. */
export async function putFiles(
  deps: Pick<WorkDeps, 'blobs'>,
  peer: Receiver,
  putting: Semaphore,
  outgoing: Outgoing,
  signal: AbortSignal,
): Promise<Outgoing> {
  const kept: Attachment[] = [];
  const refused: { readonly name: string; readonly why: string }[] = [];
  for (const file of outgoing.action.attachments) {
    const why = await putFile(deps, peer, putting, file, signal);
    if (why === null) kept.push(file);
    else refused.push({ name: safeName(file.name), why });
  }
  if (refused.length === 0) return outgoing;
  const placeholders = refused.map(({ name, why }) => missingFile(name, why)).join('');
  return {
    ...outgoing,
    action: { ...outgoing.action, note: `${outgoing.action.note ?? ''}${placeholders}`, attachments: kept },
    drops: [...outgoing.drops, ...refused.map(({ name, why }) => reason('attachment-failed', { name, detail: why }))],
  };
}

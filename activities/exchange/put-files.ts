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
 * @param beyond why the file must not be sent; null if it may. A file that the peer has already needs no sending.
 */
export async function putFile(
  deps: Pick<WorkDeps, 'blobs'>,
  { client, limits, issuer }: Receiver,
  putting: Semaphore,
  { sha256, sizeBytes, type }: Sendable,
  signal: AbortSignal,
  beyond: string | null = null,
): Promise<string | null> {
  if (sha256 === null) return 'Its contents are not here.';
  const most = limits?.attachmentBytes;
  if (most !== undefined && (sizeBytes ?? 0) > most) {
    return `The other side accepts files of up to ${Math.floor(most / 1024 / 1024)} MB.`;
  }
  const release = await putting.acquire(signal);
  try {
    if (await client.hasFile(sha256, signal)) return null;
    if (beyond !== null) return beyond;
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

/**
 * Replaces files that the peer does not accept with visible placeholders; the note is sent regardless. A peer stores only
 * a limited number of bytes of a link before an action names them, so this limits the files of one action: the rest would
 * never find room.
 */
export async function putFiles(
  deps: Pick<WorkDeps, 'blobs'>,
  peer: Receiver,
  putting: Semaphore,
  outgoing: Outgoing,
  signal: AbortSignal,
): Promise<Outgoing> {
  const kept: Attachment[] = [];
  const refused: { readonly name: string; readonly why: string }[] = [];
  const together = peer.limits?.unreferencedBytes ?? Number.POSITIVE_INFINITY;
  /** By digest: what two files have in common is there once. */
  const sizes = new Map<string, number>();
  for (const file of outgoing.action.attachments) {
    const digest = file.sha256 ?? '';
    const others = [...sizes].reduce((sum, [sha256, bytes]) => (sha256 === digest ? sum : sum + bytes), 0);
    const beyond = others + (file.sizeBytes ?? 0) > together ? tooManyBytes(together) : null;
    const why = await putFile(deps, peer, putting, file, signal, beyond);
    if (why === null) {
      kept.push(file);
      sizes.set(digest, file.sizeBytes ?? 0);
    } else refused.push({ name: safeName(file.name), why });
  }
  if (refused.length === 0) return outgoing;
  const placeholders = refused.map(({ name, why }) => missingFile(name, why)).join('');
  return {
    ...outgoing,
    action: { ...outgoing.action, note: `${outgoing.action.note ?? ''}${placeholders}`, attachments: kept },
    drops: [...outgoing.drops, ...refused.map(({ name, why }) => reason('attachment-failed', { name, detail: why }))],
  };
}

function tooManyBytes(most: number): string {
  return `The other side takes files of up to ${Math.floor(most / 1024 / 1024)} MB together with one action.`;
}

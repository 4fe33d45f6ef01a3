/**
 * Copies a delivery's files into the content-addressed store before it is decided, and again if they have disappeared
 * from it.
 */
import { HelpdeskError } from '#connectors/contract/errors.ts';
import { BlobTooLargeError } from '#blobs/store.ts';
import { constantHash } from '#core/log/constant.ts';
import { missingFile } from '#core/text/html.ts';
import { reason } from '#core/words/reasons.ts';
import { fileGivenUpAfterMs, fileGoneAfterMs } from '#core/words/retry.ts';
import { safeName } from '#core/text/safe-name.ts';
import type { Attachment, Reason } from '#core/words/vocabulary.ts';
import { rememberStaged, stagedOf } from '#db/log/attachments.ts';
import type { DeliveryContext } from '#db/carry/delivery-context.ts';
import type { WorkDeps } from '#activities/deps.ts';
import { whyNoAnswer } from '#activities/desk/answers.ts';
import { FileTrouble } from '#activities/desk/instance-trouble.ts';
import { createPlaces } from '#activities/desk/semaphore.ts';
import { createDiskRoom, isFull, noRoom, type DiskRoom } from './disk-room.ts';
import { pictureName } from './picture-name.ts';

export type StagedAction = {
  readonly action: DeliveryContext['action'];
  readonly drops: readonly Reason[];
};

export type Stage = (
  context: DeliveryContext,
  files: readonly Attachment[],
  signal: AbortSignal,
) => Promise<{ readonly files: readonly Attachment[]; readonly failed: readonly { file: Attachment; why: string }[] }>;

/**
 * Streams files one by one, a few at a time per instance. On the signal a waiting drain stops waiting, but the transfer
 * continues (its minimum rate bounds it), so that no work is wasted and the next drain finds the file.
 */
export function createStage(deps: WorkDeps): Stage {
  const places = createPlaces(deps.limits.staging);
  const disk = createDiskRoom(deps);
  const underWay = new Map<string, Promise<Brought>>();
  const bringOnce = (context: DeliveryContext, file: Attachment): Promise<Brought> => {
    const { action } = context;
    const key = `${action.id}/${file.id}`;
    const before = underWay.get(key);
    if (before !== undefined) return before;
    const bringing = (async () => {
      // Every transfer ahead of it ends by itself, so this wait ends too.
      const release = await places(action.instance).acquire(new AbortController().signal);
      try {
        const brought = await bring(deps, disk, context, file);
        await rememberStaged(deps.db, action.id, file.id, brought);
        return brought;
      } finally {
        release();
        underWay.delete(key);
      }
    })();
    bringing.catch(() => undefined);
    underWay.set(key, bringing);
    return bringing;
  };
  return async (context, wanted, signal) => {
    const { action } = context;
    const known = await stagedOf(deps.db, action.id);
    const files: Attachment[] = [];
    const failed: { file: Attachment; why: string }[] = [];
    for (const file of wanted) {
      const before = file.sha256 === null ? known.get(file.id) : file;
      // A staged file may still be missing: its directory was restored, or lost in a power cut.
      if (before?.sha256 != null && (await deps.blobs.has(before.sha256))) {
        const { sha256, sizeBytes } = before;
        const name = await pictureName(deps.blobs, file, sha256);
        files.push({ ...file, name, sha256, sizeBytes, type: before.type ?? file.type });
        continue;
      }
      const failure = file.sha256 === null ? (known.get(file.id)?.failure ?? null) : null;
      if (failure !== null) {
        failed.push({ file, why: failure });
        continue;
      }
      const staged = await unlessAborted(bringOnce(context, file), signal);
      if (staged.file === null) failed.push({ file, why: staged.failure });
      else {
        const name = await pictureName(deps.blobs, file, staged.file.sha256);
        files.push({ ...file, ...staged.file, name });
      }
    }
    return { files, failed };
  };
}

type Brought =
  | {
      readonly file: { readonly sha256: string; readonly sizeBytes: number; readonly type: string | null };
      readonly failure: null;
    }
  | { readonly file: null; readonly failure: string };

/** Rejects with the signal's reason as soon as the signal is aborted. */
function unlessAborted<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason as Error);
    if (signal.aborted) return stop();
    signal.addEventListener('abort', stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}

/** Throws HelpdeskError or FileTrouble only for temporary trouble; a file that can never come is a result. */
async function bring(deps: WorkDeps, disk: DiskRoom, context: DeliveryContext, file: Attachment): Promise<Brought> {
  if (file.sizeBytes !== null && file.sizeBytes > deps.limits.attachmentBytes) {
    return { file: null, failure: tooLarge(deps) };
  }
  const room = await disk.take(file);
  try {
    return await bringInto(deps, context, file, room.bytes);
  } finally {
    room.leave();
  }
}

async function bringInto(
  deps: WorkDeps,
  context: DeliveryContext,
  file: Attachment,
  roomBytes: number,
): Promise<Brought> {
  const { action } = context;
  const desk = await deps.desks.of(action.instance).catch((error: unknown) => {
    // A file from another gateway can only be in our own store.
    if (file.sha256 === null) throw error instanceof HelpdeskError ? new FileTrouble(action.instance, error) : error;
    return null;
  });
  if (desk === null) return { file: null, failure: 'Its contents are no longer kept.' };
  try {
    const opened = await desk.helpdesk.openAttachment(action.ticket, file.id, new AbortController().signal);
    const staged = await deps.blobs.put(opened.stream, Math.min(deps.limits.attachmentBytes, roomBytes));
    if (file.sha256 !== null && staged.sha256 !== file.sha256)
      return { file: null, failure: 'Its contents are no longer kept, and the desk now has a different file.' };
    return { file: { ...staged, type: opened.type ?? file.type }, failure: null };
  } catch (error) {
    if (error instanceof BlobTooLargeError && roomBytes < deps.limits.attachmentBytes) throw noRoom(file);
    if (error instanceof BlobTooLargeError) return { file: null, failure: tooLarge(deps) };
    if (isFull(error)) throw noRoom(file);
    if (!(error instanceof HelpdeskError)) throw error;
    const isOver = error.class === 'refused' || (error.class === 'gone' && isTroubledFor(context, fileGoneAfterMs));
    if (isOver) return { file: null, failure: error.message };
    if (error.class === 'auth' || error.class === 'slow-down') throw new FileTrouble(desk.name, error);
    if ((await whyNoAnswer((within) => desk.helpdesk.ping(within))) !== null) throw new FileTrouble(desk.name, error);
    if (isTroubledFor(context, fileGivenUpAfterMs)) return { file: null, failure: error.message };
    throw new HelpdeskError('retry', error.code, error.message, { cause: error });
  }
}

function isTroubledFor({ delivery, now }: DeliveryContext, ms: number): boolean {
  return delivery.firstTriedAt !== null && Date.parse(now) - Date.parse(delivery.firstTriedAt) >= ms;
}

function tooLarge(deps: WorkDeps): string {
  return `It is larger than ${Math.round(deps.limits.attachmentBytes / 1024 / 1024)} MB.`;
}

/** Replaces the action's files by the staged ones; a missing file leaves a visible placeholder. */
export function withFiles(action: DeliveryContext['action'], staged: Awaited<ReturnType<Stage>>): StagedAction {
  const named = staged.files.map((file) => ({ ...file, name: safeName(file.name) }));
  const placeholders = staged.failed.map(({ file, why }) => missingFile(safeName(file.name), why)).join('');
  const note = placeholders === '' ? action.note : `${action.note ?? ''}${placeholders}`;
  const drops = staged.failed.map(({ file, why }) =>
    reason('attachment-failed', { name: safeName(file.name), detail: why }),
  );
  return { action: { ...action, note, attachments: named }, drops };
}

/** Hashes the constant part as it leaves: with the digests of its files. */
export function hashWithDigests(action: DeliveryContext['action'], files: readonly Attachment[]): string {
  return constantHash({
    id: action.id,
    origin: action.origin,
    author: action.author ?? { name: '', role: 'automation' },
    at: action.at,
    audience: action.audience,
    note: action.note,
    attachments: files,
  });
}

/** Brings a delivery's files into the content-addressed store before it is decided. */
import { HelpdeskError } from '#connectors/contract/errors.ts';
import { BlobTooLargeError } from '#blobs/store.ts';
import { constantHash } from '#core/log/constant.ts';
import { missingFile } from '#core/text/html.ts';
import { reason } from '#core/words/reasons.ts';
import { fileGivenUpAfterMs } from '#core/words/retry.ts';
import { safeName } from '#core/text/safe-name.ts';
import type { Attachment, Reason } from '#core/words/vocabulary.ts';
import { rememberStaged, stagedOf } from '#db/log/attachments.ts';
import type { DeliveryContext } from '#db/carry/delivery-context.ts';
import type { DrivenDesk, WorkDeps } from '#activities/deps.ts';
import { createSemaphore, type Semaphore } from '#activities/desk/semaphore.ts';
import { pictureName } from './picture-name.ts';

const pingTimeoutMs = 5_000;

export type StagedAction = {
  readonly action: DeliveryContext['action'];
  readonly drops: readonly Reason[];
};

export type Stage = (
  context: DeliveryContext,
  files: readonly Attachment[],
  signal: AbortSignal,
) => Promise<{ readonly files: readonly Attachment[]; readonly failed: readonly { file: Attachment; why: string }[] }>;

/** Files are streamed one by one under a limit that all lanes of this process share. */
export function createStage(deps: WorkDeps): Stage {
  const slots: Semaphore = createSemaphore(deps.limits.staging);
  return async (context, wanted, signal) => {
    const { action } = context;
    const known = await stagedOf(deps.db, action.id);
    const files: Attachment[] = [];
    const failed: { file: Attachment; why: string }[] = [];
    for (const file of wanted) {
      if (file.sha256 !== null) {
        files.push(file);
        continue;
      }
      const before = known.get(file.id);
      if (before?.sha256 != null) {
        const { sha256, sizeBytes } = before;
        const name = await pictureName(deps.blobs, file, sha256);
        files.push({ ...file, name, sha256, sizeBytes, type: before.type ?? file.type });
        continue;
      }
      if (before?.failure != null) {
        failed.push({ file, why: before.failure });
        continue;
      }
      const release = await slots.acquire(signal);
      try {
        const staged = await bring(deps, context, file, signal);
        await rememberStaged(deps.db, action.id, file.id, staged);
        if (staged.file === null) failed.push({ file, why: staged.failure ?? '' });
        else {
          const name = await pictureName(deps.blobs, file, staged.file.sha256);
          files.push({ ...file, ...staged.file, name });
        }
      } finally {
        release();
      }
    }
    return { files, failed };
  };
}

type Brought = {
  readonly file: { readonly sha256: string; readonly sizeBytes: number; readonly type: string | null } | null;
  readonly failure: string | null;
};

/** Throws HelpdeskError for passing trouble only; a file that can't come is a result. */
async function bring(
  deps: WorkDeps,
  context: DeliveryContext,
  file: Attachment,
  signal: AbortSignal,
): Promise<Brought> {
  const { action } = context;
  if (file.sizeBytes !== null && file.sizeBytes > deps.limits.attachmentBytes) {
    return { file: null, failure: tooLarge(deps) };
  }
  const desk = await deps.desks.of(action.instance);
  try {
    const opened = await desk.helpdesk.openAttachment(action.ticket, file.id, signal);
    const staged = await deps.blobs.put(opened.stream, deps.limits.attachmentBytes);
    return { file: { ...staged, type: opened.type ?? file.type }, failure: null };
  } catch (error) {
    if (error instanceof BlobTooLargeError) return { file: null, failure: tooLarge(deps) };
    if (error instanceof HelpdeskError && (error.class === 'gone' || error.class === 'refused')) {
      return { file: null, failure: error.message };
    }
    if (isFilesOwnTrouble(error, context, signal) && (await isUp(desk, signal)))
      return { file: null, failure: (error as HelpdeskError).message };
    throw error;
  }
}

/** One file that a desk fails to give again and again must not keep a whole note, or an escalation, from arriving. */
function isFilesOwnTrouble(error: unknown, { delivery, now }: DeliveryContext, signal: AbortSignal): boolean {
  if (!(error instanceof HelpdeskError) || signal.aborted) return false;
  if (error.class !== 'retry' && error.class !== 'in-doubt' && error.class !== 'conflict') return false;
  return delivery.firstTriedAt !== null && Date.parse(now) - Date.parse(delivery.firstTriedAt) > fileGivenUpAfterMs;
}

/** A desk that is down gives its files when it is back. */
async function isUp(desk: DrivenDesk, signal: AbortSignal): Promise<boolean> {
  const within = AbortSignal.any([signal, AbortSignal.timeout(pingTimeoutMs)]);
  return desk.helpdesk.ping(within).then(
    () => true,
    () => false,
  );
}

function tooLarge(deps: WorkDeps): string {
  return `It is larger than ${Math.round(deps.limits.attachmentBytes / 1024 / 1024)} MB.`;
}

/** The action with its files staged and its hash over their digests; a missing file leaves a visible placeholder. */
export function withFiles(action: DeliveryContext['action'], staged: Awaited<ReturnType<Stage>>): StagedAction {
  const named = staged.files.map((file) => ({ ...file, name: safeName(file.name) }));
  const placeholders = staged.failed.map(({ file, why }) => missingFile(safeName(file.name), why)).join('');
  const note = placeholders === '' ? action.note : `${action.note ?? ''}${placeholders}`;
  const drops = staged.failed.map(({ file, why }) =>
    reason('attachment-failed', { name: safeName(file.name), detail: why }),
  );
  return { action: { ...action, note, attachments: named }, drops };
}

/** Over the constant part as it leaves: with the digests of its files. */
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

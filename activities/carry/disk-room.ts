/**
 * Reserves disk space for files to be staged, next to those in progress and the space that must stay free for others.
 */
import { FileTrouble } from '#activities/desk/instance-trouble.ts';
import { reason } from '#core/words/reasons.ts';
import { safeName } from '#core/text/safe-name.ts';
import type { Attachment } from '#core/words/vocabulary.ts';
import type { WorkDeps } from '#activities/deps.ts';

export type TakenRoom = {
  /** The file may have at most this many bytes. */
  readonly bytes: number;
  leave(): void;
};

export type DiskRoom = {
  /**
   * Reserves space until `leave` is called; for a file of unknown size, as much as the largest may have. @throws
   * FileTrouble
   */
  take(file: Attachment): Promise<TakenRoom>;
};

/** Counts only this process; another process's files count once their bytes are on the disk. */
export function createDiskRoom({ freeBytes, limits }: Pick<WorkDeps, 'freeBytes' | 'limits'>): DiskRoom {
  let taken = 0;
  return {
    async take(file) {
      const free = await freeBytes();
      const room = Math.min(free - limits.leastFreeBytes - taken, limits.attachmentBytes);
      if (room <= 0 || (file.sizeBytes !== null && file.sizeBytes > room)) throw noRoom(file);
      const kept = file.sizeBytes ?? room;
      taken += kept;
      return {
        bytes: room,
        leave() {
          taken -= kept;
        },
      };
    },
  };
}

/**
 * Makes the error for a full disk: the delivery waits until somebody frees space, and no desk or delivery is blamed.
 */
export function noRoom(file: Attachment): FileTrouble {
  const why = reason('no-room', { name: safeName(file.name) });
  return new FileTrouble('', { message: why.text, reason: why });
}

/** Tells whether the disk, or our quota, filled up before the file was complete. */
export function isFull(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT');
}

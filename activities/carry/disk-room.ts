/** Room on the disk for a file that is to be staged: beside what files under way need, and what is left free for others. */
import { FileTrouble } from '#activities/desk/instance-trouble.ts';
import { reason } from '#core/words/reasons.ts';
import { safeName } from '#core/text/safe-name.ts';
import type { Attachment } from '#core/words/vocabulary.ts';
import type { StageDeps } from './deps.ts';

export type TakenRoom = {
  /** As much may come. */
  readonly bytes: number;
  leave(): void;
};

export type DiskRoom = {
  /** Keeps room until it is left; for a file of unknown size as much as the largest may have. @throws FileTrouble */
  take(file: Attachment): Promise<TakenRoom>;
};

/** Of this process: another one's files are seen once their bytes are on the disk. */
export function createDiskRoom({ freeBytes, limits }: Pick<StageDeps, 'freeBytes' | 'limits'>): DiskRoom {
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

/** It waits for somebody to make room; no desk and no delivery is blamed. */
export function noRoom(file: Attachment): FileTrouble {
  const why = reason('no-room', { name: safeName(file.name) });
  return new FileTrouble('', { message: why.text, reason: why });
}

/** The disk, or what we may have of it, was full before the file had come. */
export function isFull(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT');
}

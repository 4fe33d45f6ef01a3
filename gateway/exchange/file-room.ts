/** Checks the room for another file: on the disk, and in the link's quota of files that no action names. */
import { unreferencedBytes } from '#db/exchange/uploads.ts';
import type { Caller } from '#gateway/oauth/deps.ts';
import { ProblemError } from '#gateway/problems.ts';
import type { ApiDeps } from './deps.ts';

type Deps = Pick<ApiDeps, 'db' | 'limits' | 'freeBytes'>;

export type FileRoom = {
  /** Reserves room until the caller releases it. @throws ProblemError `insufficient-storage`, `too-many-files` */
  keep(caller: Pick<Caller, 'link'>, sizeBytes: number): Promise<() => void>;
};

/** When to retry: the next look at the disk, or the next action that names a file, may find room. */
const retry = { headers: { connection: 'close', 'retry-after': '60' } };

export function createFileRoom({ db, limits, freeBytes }: Deps): FileRoom {
  /** Bytes of incoming files, by link, which are not in the database yet. */
  const coming = new Map<string, number>();
  let comingBytes = 0;
  return {
    async keep({ link }, sizeBytes) {
      const linkBytes = (coming.get(link) ?? 0) + sizeBytes;
      coming.set(link, linkBytes);
      comingBytes += sizeBytes;
      let left = false;
      const leave = (): void => {
        if (left) return;
        left = true;
        comingBytes -= sizeBytes;
        const rest = (coming.get(link) ?? sizeBytes) - sizeBytes;
        if (rest > 0) coming.set(link, rest);
        else coming.delete(link);
      };
      try {
        if (freeBytes !== undefined && (await freeBytes()) - comingBytes < limits.minFreeBytes)
          throw new ProblemError('insufficient-storage', 'Nothing was stored. Send it again later.', retry);
        if ((await unreferencedBytes(db, link)) + linkBytes > limits.unreferencedBytes)
          throw new ProblemError(
            'too-many-files',
            `At most ${limits.unreferencedBytes} bytes may wait for actions that name them. Send those actions, or wait: files that no action names are deleted after 24 hours.`,
            retry,
          );
      } catch (error) {
        leave();
        throw error;
      }
      return leave;
    },
  };
}

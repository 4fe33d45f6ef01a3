/** What bringing a delivery to a desk needs of a worker, and its parts that others use too. */
import type { WorkDeps } from '#activities/deps.ts';
import type { WatchDeps } from '#activities/watch/deps.ts';

export type StageDeps = Pick<WorkDeps, 'db' | 'blobs' | 'desks' | 'limits' | 'freeBytes'>;

/** To say what leaves a desk. */
export type SourceDeps = Pick<WorkDeps, 'db' | 'cache' | 'texts' | 'desks'>;

/** A desk is read before it is written to, and read back. */
export type CarryDeps = WatchDeps & Pick<WorkDeps, 'promiseWrite' | 'report'>;

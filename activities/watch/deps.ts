/** What reading desks needs of a worker. */
import type { WorkDeps } from '#activities/deps.ts';

export type WatchDeps = Pick<
  WorkDeps,
  'db' | 'together' | 'nothingNew' | 'cache' | 'desks' | 'blobs' | 'texts' | 'bells' | 'wake' | 'log' | 'limits'
>;

/** Names that workflows, activities and clients share. They are plain strings, so nothing here adds to a bundle. */
/** The queue of workers that all have the same code. */
export const taskQueue = 'ferry';
export const carryWorkflow = 'carry';
export const watchWorkflow = 'watch';
export const connectWorkflow = 'connect';
export const wakeSignal = 'wake';

/**
 * Returns the queue of one version's workers. Workers poll only the queue of their own workflow code, so a run that one
 * version began never reaches another, which could not replay its history.
 * @param version fingerprint of the workflows' code
 */
export function queueOf(version?: string): string {
  return version === undefined ? taskQueue : `${taskQueue}-${version}`;
}

/**
 * One courier per instance. A courier that a version without workers has left behind is terminated; the sweeper carries
 * meanwhile.
 */
export function courierId(instance: string): string {
  return `carry/${instance}`;
}

/** All watchers are alike. For each version of the code, the number tells how many read in parallel. */
export function watcherId(number: number, version: string): string {
  return `watch/${number}/${version}`;
}

/** One per run of a pairing's checks. */
export function connectId(pairing: string, run: string): string {
  return `connect/${pairing}/${run}`;
}

/** How a drain ended: with more left to do, with a time to wait, or with everything carried. */
export type DrainResult = { readonly more: boolean } | { readonly retryAfterMs: number };

export type WatchResult = { readonly more: true };

/** Names that workflows, activities and clients share. Plain strings: nothing here is worth bundling. */
/** Of workers that all have the same code. */
export const taskQueue = 'ferry';
export const carryWorkflow = 'carry';
export const watchWorkflow = 'watch';
export const connectWorkflow = 'connect';
export const wakeSignal = 'wake';

/**
 * Workers poll the queue of their own workflow code only: a run that one version has begun is never given to another,
 * which could not follow its history.
 * @param version fingerprint of the workflows' code
 */
export function queueOf(version?: string): string {
  return version === undefined ? taskQueue : `${taskQueue}-${version}`;
}

/** One courier per instance. One that a version without workers has left behind is ended; the sweeper carries meanwhile. */
export function courierId(instance: string): string {
  return `carry/${instance}`;
}

/** Watchers are alike; their number is how many read side by side, in each version of the code. */
export function watcherId(number: number, version: string): string {
  return `watch/${number}/${version}`;
}

/** One per run of a pairing's checks. */
export function connectId(pairing: string, run: string): string {
  return `connect/${pairing}/${run}`;
}

/** A drain's end: something is left, wait until then, or all is carried. */
export type DrainResult = { readonly more: boolean } | { readonly retryAfterMs: number };

export type WatchResult = { readonly more: true };

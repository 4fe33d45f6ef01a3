/** Names that workflows, activities and clients share. Plain strings: nothing here is worth bundling. */
export const taskQueue = 'ferry';
export const carryWorkflow = 'carry';
export const watchWorkflow = 'watch';
export const connectWorkflow = 'connect';
export const wakeSignal = 'wake';

/** One courier per instance. */
export function courierId(instance: string): string {
  return `carry/${instance}`;
}

/** Watchers are alike; their number is how many read side by side. */
export function watcherId(number: number): string {
  return `watch/${number}`;
}

/** One per run of a pairing's checks. */
export function connectId(pairing: string, run: string): string {
  return `connect/${pairing}/${run}`;
}

/** A drain's end: something is left, wait until then, or all is carried. */
export type DrainResult = { readonly more: boolean } | { readonly retryAfterMs: number };

export type WatchResult = { readonly more: true };

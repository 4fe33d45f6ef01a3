/** What the worker bundles. */
export { carry } from './carry.ts';
export { watch } from './watch.ts';

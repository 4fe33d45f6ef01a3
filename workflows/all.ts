/** The workflows that the worker bundles. */
export { carry } from './carry.ts';
export { connect } from './connect.ts';
export { watch } from './watch.ts';

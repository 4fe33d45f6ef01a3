/** Rules for the linter that no package has. */
import { functionLength } from './function-length.js';
import { linearRegex } from './linear-regex.js';

const plugin = { meta: { name: 'ferry' }, rules: { 'function-length': functionLength, 'linear-regex': linearRegex } };

// oxlint-disable-next-line import/no-default-export -- that is where the linter looks for it
export default plugin;

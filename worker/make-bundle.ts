/**
 * Builds the bundle of workflows that a package ships (`npm run build`). `node worker/make-bundle.ts FILE` writes it to
 * another place.
 */
import { bundleFile } from '#config/tree.ts';
import { makeBundle } from './bundle.ts';

const path = process.argv[2] ?? bundleFile;
await makeBundle(path);
process.stdout.write(`${path}\n`);

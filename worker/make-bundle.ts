/** `npm run bundle`: makes the bundle of workflows that a package ships; `node worker/make-bundle.ts FILE` puts it elsewhere. */
import { makeBundle, prebuiltPath } from './bundle.ts';

const path = process.argv[2] ?? prebuiltPath;
await makeBundle(path);
process.stdout.write(`${path}\n`);

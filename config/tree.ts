/** Where Ferry's own files are: TypeScript in a checkout, JavaScript below `dist` in an installed package. */
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder that holds `core`, `db`, `cli` and so on, with a slash at its end. */
export const tree = fileURLToPath(new URL('../', import.meta.url));

const ending = extname(import.meta.url);

/** Whether this is a package that somebody installed, and no checkout. */
export const isInstalled = ending === '.js';

/** @param source as it is called in a checkout, such as `worker/main.ts` @returns the absolute path of what Node runs */
export function programFile(source: string): string {
  return join(tree, source.replace(/\.ts$/, ending));
}

const packageFolder = isInstalled ? join(tree, '..') : tree;

/** The absolute path of a file that is in a checkout and in a package alike, such as `examples/halo-to-rt.yaml`. */
export function packageFile(file: string): string {
  return join(packageFolder, file);
}

/** Where `npm run build` puts the bundle of workflows, and where a worker looks for it. */
export const bundleFile = join(isInstalled ? tree : join(tree, 'dist'), 'workflows.js');

/** Finds Ferry's own files: TypeScript in a checkout, JavaScript below `dist` in an installed package. */
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder that contains `core`, `db`, `cli` and so on, with a trailing slash. */
export const tree = fileURLToPath(new URL('../', import.meta.url));

const ending = extname(import.meta.url);

/** Whether this is an installed package, not a checkout. */
export const isInstalled = ending === '.js';

/** Finds a program. @param source its path in a checkout, such as `worker/main.ts` @returns the absolute path to run */
export function programFile(source: string): string {
  return join(tree, source.replace(/\.ts$/, ending));
}

const packageFolder = isInstalled ? join(tree, '..') : tree;

/** Returns the absolute path of a file that both a checkout and a package have, such as `examples/halo-to-rt.yaml`. */
export function packageFile(file: string): string {
  return join(packageFolder, file);
}

/** The workflows' bundle, which `npm run build` writes and a worker loads. */
export const bundleFile = join(isInstalled ? tree : join(tree, 'dist'), 'workflows.js');

/** The files that the page loads: our own style and script, and htmx from its packages. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const packages = createRequire(import.meta.url);

const files: Readonly<Record<string, { readonly path: () => string; readonly type: string }>> = {
  'page.css': { path: () => own('page.css'), type: 'text/css; charset=utf-8' },
  'page.js': { path: () => own('page.js'), type: 'text/javascript; charset=utf-8' },
  'icon.svg': { path: () => own('icon.svg'), type: 'image/svg+xml' },
  'htmx.js': {
    path: () => packages.resolve('htmx.org/dist/htmx.min.js'),
    type: 'text/javascript; charset=utf-8',
  },
  'sse.js': {
    path: () => packages.resolve('htmx-ext-sse/dist/sse.min.js'),
    type: 'text/javascript; charset=utf-8',
  },
};

export type StaticFile = { readonly type: string; readonly content: Buffer<ArrayBuffer> };

/** Returns a file of the page, or null for any other name. */
export async function staticFile(name: string): Promise<StaticFile | null> {
  const file = Object.hasOwn(files, name) ? files[name] : undefined;
  if (file === undefined) return null;
  return { type: file.type, content: await readFile(file.path()) };
}

function own(name: string): string {
  return fileURLToPath(new URL(`./assets/${name}`, import.meta.url));
}

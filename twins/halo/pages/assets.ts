/** The files of the pages: the style sheet, two small scripts, htmx from the installed package, the desk's colours. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Hono } from 'hono';
import type { Env, Serving } from '#twins/halo/serving.ts';

interface Asset {
  readonly body: string;
  readonly type: string;
  /** Part of its address, so that browsers may keep it for good. */
  readonly version: string;
}

const script = 'text/javascript; charset=utf-8';

const assets = {
  'style.css': asset(new URL('./style.css', import.meta.url).href, 'text/css; charset=utf-8'),
  'desk.js': asset(new URL('./desk.js', import.meta.url).href, script),
  'htmx.js': asset(import.meta.resolve('htmx.org/dist/htmx.min.js'), script),
  'sse.js': asset(import.meta.resolve('htmx-ext-sse/dist/sse.min.js'), script),
} as const satisfies Record<string, Asset>;

export type AssetName = keyof typeof assets;

function asset(url: string, type: string): Asset {
  const body = readFileSync(fileURLToPath(url), 'utf8');
  return { body, type, version: createHash('sha256').update(body).digest('hex').slice(0, 12) };
}

/** Returns the address of an asset. */
export function assetUrl(name: AssetName): string {
  return `/twin/assets/${name}?v=${assets[name].version}`;
}

/** Adds the routes. */
export function assetRoutes(app: Hono<Env>, serving: Serving): void {
  for (const [name, { body, type, version }] of Object.entries(assets)) {
    app.get(`/twin/assets/${name}`, (c) => {
      const lasting = c.req.query('v') === version;
      c.header('cache-control', lasting ? 'public, max-age=31536000, immutable' : 'no-cache');
      c.header('x-content-type-options', 'nosniff');
      return c.body(body, 200, { 'content-type': type });
    });
  }
  app.get('/twin/assets/colours.css', (c) => {
    c.header('cache-control', 'no-cache');
    return c.body(coloursOf(serving), 200, { 'content-type': 'text/css; charset=utf-8' });
  });
  app.get('/twin/assets/icon.svg', (c) => {
    c.header('cache-control', 'no-cache');
    c.header('content-security-policy', "default-src 'none'");
    const mark = `<rect width="32" height="32" rx="8" fill="${colour(serving.accent)}"/>`;
    const lines = '<path d="M9 11h14M9 16h14M9 21h8" stroke="#fff" stroke-width="2.6" stroke-linecap="round"/>';
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">${mark}${lines}</svg>`;
    return c.body(svg, 200, { 'content-type': 'image/svg+xml' });
  });
}

/** Writes the desk's own colours as a style sheet, since the policy of the pages forbids them in `style` attributes. */
function coloursOf({ desk, accent }: Serving): string {
  return [
    `:root{--accent:${colour(accent)}}`,
    ...desk.store.list('status').map((one) => `.status-${one.id}{--own:${colour(one.colour)}}`),
    ...desk.store.list('priority').map((one) => `.priority-${one.id}{--own:${colour(one.colour)}}`),
    '',
  ].join('\n');
}

/** Returns a safe colour: a text that is not a colour must not become a rule of its own. */
function colour(text: string): string {
  return /^#[0-9a-f]{3,8}$/i.test(text) ? text : '#64748b';
}

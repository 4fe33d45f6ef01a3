/** `/docs`: the API's document, and a page that shows it, from files of our own; nothing is loaded from elsewhere. */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { Hono } from 'hono';
import { html } from 'hono/html';
import { openapiText } from '#gateway/openapi.ts';

/** The viewer sets styles of elements; scripts are files only. */
const policy =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

export function docsRoutes(): Hono {
  const routes = new Hono();
  let document: string | null = null;
  let script: Promise<Buffer> | null = null;
  routes.get('/docs', (c) =>
    c.html(
      html`<!doctype html>
        <html lang="en">
          <head>
            <meta charset="utf-8" />
            <meta name="viewport" content="width=device-width, initial-scale=1" />
            <title>Ferry: supplier and customer API</title>
            <script type="module" src="docs/rapidoc.js"></script>
          </head>
          <body>
            <rapi-doc
              spec-url="docs/openapi.json"
              load-fonts="false"
              allow-try="false"
              allow-authentication="false"
              allow-server-selection="false"
              show-header="false"
              render-style="read"
              schema-style="table"
            ></rapi-doc>
            <noscript><a href="docs/openapi.json">The OpenAPI document</a></noscript>
          </body>
        </html>`,
      200,
      { 'content-security-policy': policy },
    ),
  );
  routes.get('/docs/openapi.json', (c) => {
    document ??= openapiText();
    return c.body(document, 200, { 'content-type': 'application/json' });
  });
  routes.get('/docs/rapidoc.js', async (c) => {
    script ??= readFile(createRequire(import.meta.url).resolve('rapidoc/dist/rapidoc-min.js'));
    return c.body(new Uint8Array(await script), 200, {
      'content-type': 'text/javascript; charset=utf-8',
      'cache-control': 'public, max-age=3600',
    });
  });
  return routes;
}

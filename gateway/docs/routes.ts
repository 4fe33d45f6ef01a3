/** `/docs`: the API's document and a page that shows it, without scripts and without content from elsewhere. */
import { Hono } from 'hono';
import { openapiText } from '#gateway/openapi.ts';
import { docsPage, docsStyle, type ApiDocument } from './page.ts';

const policy =
  "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

export function docsRoutes(): Hono {
  const routes = new Hono();
  let text: string | null = null;
  let page: string | null = null;
  const document = (): string => (text ??= openapiText());
  routes.get('/docs', async (c) => {
    page ??= String(await docsPage(JSON.parse(document()) as ApiDocument));
    return c.html(page, 200, { 'content-security-policy': policy });
  });
  routes.get('/docs/openapi.json', (c) => c.body(document(), 200, { 'content-type': 'application/json' }));
  routes.get('/docs/style.css', (c) =>
    c.body(docsStyle, 200, { 'content-type': 'text/css; charset=utf-8', 'cache-control': 'public, max-age=3600' }),
  );
  return routes;
}

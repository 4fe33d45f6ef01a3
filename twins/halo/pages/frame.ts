/** The frame around every page: the head, the bar with the desk's name, and the connection that keeps the page live. */
import { html, raw } from 'hono/html';
import type { Serving } from '#twins/halo/serving.ts';
import { assetUrl } from './assets.ts';
import type { Html } from './html.ts';
import { nothing } from './html.ts';

/** Forbids inline styles and evaluated attributes, and shows refusals like any answer. */
const htmxConfig = JSON.stringify({
  includeIndicatorStyles: false,
  allowEval: false,
  historyEnabled: false,
  defaultSettleDelay: 0,
  responseHandling: [
    { code: '[23]..', swap: true },
    { code: '4(?:0[03]|13|22)', swap: true, error: true },
    { code: '...', swap: false, error: true },
  ],
});

export type Section = 'tickets' | 'new' | 'outbox' | 'portal';

export interface Page {
  readonly title: string;
  readonly section: Section | null;
  readonly body: Html;
  /** True for the end user's portal, which has no way into the desk. */
  readonly portal?: boolean;
}

/** Renders a whole page. */
export function page({ desk, product }: Serving, { title, section, body, portal = false }: Page): Html {
  const here = (one: Section): Html => (one === section ? raw(' aria-current="page"') : nothing);
  const bar = portal
    ? html`<a class="brand" href="/portal"
        ><img src="/twin/assets/icon.svg" alt="" width="28" height="28" /><span
          >${desk.name}<small>Help portal</small></span
        ></a
      >`
    : html`<a class="brand" href="/desk"
          ><img src="/twin/assets/icon.svg" alt="" width="28" height="28" /><span
            >${desk.name}<small>${product}</small></span
          ></a
        >
        <nav aria-label="${desk.name}">
          <a href="/desk" ${here('tickets')}>Tickets</a>
          <a href="/desk/new" ${here('new')}>New ticket</a>
          <a href="/outbox" ${here('outbox')}>Outbox</a>
          <a href="/portal">Portal</a>
        </nav>`;
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="htmx-config" content="${htmxConfig}" />
        <title>${title} · ${desk.name}</title>
        <link rel="icon" href="/twin/assets/icon.svg" type="image/svg+xml" />
        <link rel="stylesheet" href="${assetUrl('style.css')}" />
        <link rel="stylesheet" href="/twin/assets/colours.css" />
        <script src="${assetUrl('htmx.js')}" defer></script>
        <script src="${assetUrl('sse.js')}" defer></script>
        <script src="${assetUrl('desk.js')}" defer></script>
      </head>
      <body class="${portal ? 'portal' : 'desk'}" hx-ext="sse" sse-connect="/desk/events">
        <a class="skip" href="#main">Skip to the content</a>
        <header class="bar">${bar}</header>
        <main id="main">${body}</main>
      </body>
    </html>`;
}

/**
 * Renders what reads the page again when something changes, and takes `parts` of it: elements by id, of which the first
 * must exist. The rest of the page stays as it is, above all a half-written note. `what` is `changed` or `ticket-1001`.
 */
export function live(address: string, what: string, parts: readonly [string, ...string[]]): Html {
  const [first, ...others] = parts;
  const more = others.length === 0 ? nothing : html` hx-select-oob="${others.map((id) => `#${id}`).join(',')}"`;
  return html`<div
    hidden
    hx-get="${address}"
    hx-trigger="sse:${what}, sse:connected"
    hx-select="#${first}"
    hx-target="#${first}"
    hx-swap="outerHTML"
    ${more}
  ></div>`;
}

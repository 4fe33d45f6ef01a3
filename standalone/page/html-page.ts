/** The page's frame, and its content while everything starts. */
import { html } from 'hono/html';

import type { ProgressSeen } from './progress.ts';

export type Markup = ReturnType<typeof html>;
/** Writes a `ferry` command, such as `status`, as people type it in the terminal in which they started this Ferry. */
export type Command = (words: string) => string;

export type Phase = 'starting' | 'ready';

/** Forbids htmx everything that a strict content security policy forbids. */
const htmxConfig = JSON.stringify({
  includeIndicatorStyles: false,
  allowEval: false,
  allowScriptTags: false,
  selfRequestsOnly: true,
  historyEnabled: false,
});

export function document(title: string, body: Markup): Markup {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <title>${title}</title>
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="htmx-config" content="${htmxConfig}" />
        <link rel="icon" href="/static/icon.svg" type="image/svg+xml" />
        <link rel="stylesheet" href="/static/page.css" />
        <script src="/static/htmx.js" defer></script>
        <script src="/static/sse.js" defer></script>
        <script src="/static/page.js" defer></script>
      </head>
      ${body}
    </html> `;
}

/** Writes the whole page; events from the server update its main part. */
export function page(phase: Phase, main: Markup): Markup {
  return document(
    'Ferry: two helpdesks, one ticket',
    html`<body hx-ext="sse" sse-connect="/events?shows=${phase}">
      <p class="lost" id="lost" role="status" hidden>
        The connection is lost. Is Ferry still running? Look at its terminal.
      </p>
      <div id="page" sse-swap="page" hx-swap="innerHTML">${main}</div>
    </body>`,
  );
}

export function starting(progress: ProgressSeen): Markup {
  return html`<main class="starting">
    <h1><span class="logo" aria-hidden="true"></span> Ferry is starting</h1>
    <p>A PostgreSQL and a Temporal of its own, two helpdesks, and what carries tickets between them.</p>
    <div sse-swap="progress" hx-swap="innerHTML" role="status">${progressParts(progress)}</div>
  </main>`;
}

export function progressParts({ parts, line }: ProgressSeen): Markup {
  const done = parts.filter(({ state }) => state === 'done').length;
  return html`<progress max="${parts.length}" value="${done}" aria-label="Parts that are running">
      ${done} of ${parts.length}
    </progress>
    <ul class="parts">
      ${parts.map(
        ({ title, state }) =>
          html`<li class="${state}">
            <span class="mark" aria-hidden="true">${marks[state]}</span> ${title}
            <span class="hidden">${state === 'done' ? 'running' : state === 'failed' ? 'failed' : 'starting'}</span>
          </li>`,
      )}
    </ul>
    <p class="line">${line}</p>`;
}

const marks = { waiting: '○', done: '●', failed: '×' } as const;

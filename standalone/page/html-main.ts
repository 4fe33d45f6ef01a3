/** The demo: steps, desks and the list of deliveries, and below them the rules and the customers in trouble. */
import { html, raw } from 'hono/html';

import type { Markup } from './html-page.ts';
import type { PlugSeen } from './seen.ts';
import type { Step } from './steps.ts';

export type FrameName = 'acme' | 'northwind' | 'portal' | 'outbox';
export type Frames = Readonly<Record<FrameName, string>>;

const titles: Readonly<Record<FrameName, string>> = {
  acme: "Acme's helpdesk",
  northwind: "Northwind's helpdesk",
  portal: "Acme's portal, as its end user sees it",
  outbox: 'Mail that Acme sent',
};

export type MainParts = {
  readonly steps: readonly Step[];
  readonly strip: Markup;
  readonly plug: PlugSeen;
  readonly frames: Frames;
  readonly rules: Markup;
  readonly trouble: Markup;
};

export function main(parts: MainParts): Markup {
  const { frames } = parts;
  return html`<header>
      <p class="brand"><span class="logo" aria-hidden="true"></span> Ferry</p>
      <section class="steps" aria-labelledby="steps-title">
        <h1 id="steps-title" class="hidden">The first minute: six steps</h1>
        <div sse-swap="steps" hx-swap="innerHTML" aria-live="polite">${stepsPart(parts.steps)}</div>
      </section>
      <div class="tools">
        <div sse-swap="plug" hx-swap="innerHTML">${plugPart(parts.plug)}</div>
        <form method="post" action="/reset" hx-post="/reset" hx-swap="none" hx-disabled-elt="find button">
          <button id="reset" data-testid="reset">Reset demo</button>
        </form>
      </div>
    </header>
    <main class="demo">
      <section class="desk acme" aria-labelledby="acme-title">
        <h2 id="acme-title"><b>Acme</b> the customer's IT team ${alone(frames.acme)}</h2>
        ${frameSlot('acme', frames)}
      </section>
      <section class="strip" aria-labelledby="strip-title">
        <h2 id="strip-title">Carried by Ferry</h2>
        <div sse-swap="strip-all" hx-swap="innerHTML" hx-target="#strip"></div>
        <ol id="strip" data-testid="strip" sse-swap="strip" hx-swap="afterbegin">
          ${parts.strip}
        </ol>
      </section>
      <section class="desk northwind" aria-labelledby="northwind-title">
        <h2 id="northwind-title"><b>Northwind</b> the supplier, an MSP ${alone(frames.northwind)}</h2>
        ${frameSlot('northwind', frames)}
      </section>
      <section class="user portal" aria-labelledby="portal-title">
        <h2 id="portal-title"><b>Acme's portal</b> what the end user sees</h2>
        ${frameSlot('portal', frames)}
      </section>
      <section class="user outbox" aria-labelledby="outbox-title">
        <h2 id="outbox-title"><b>Acme's outbox</b> mail to the end user</h2>
        ${frameSlot('outbox', frames)}
      </section>
      <section class="below rules" id="the-rules" aria-labelledby="rules-title">
        <h2 id="rules-title">The rules</h2>
        <div id="rules">${parts.rules}</div>
      </section>
      <section class="below trouble" aria-labelledby="trouble-title">
        <h2 id="trouble-title">What does trouble look like?</h2>
        <div sse-swap="trouble" hx-swap="innerHTML">${parts.trouble}</div>
      </section>
    </main>`;
}

function alone(url: string): Markup {
  return html`<a
    class="alone"
    href="${/^https?:/.test(url) ? new URL('/desk', url).href : url}"
    target="_blank"
    rel="noopener"
    >open alone <span aria-hidden="true">↗</span></a
  >`;
}

function frameSlot(name: FrameName, frames: Frames): Markup {
  return html`<div class="frame" sse-swap="frame-${name}" hx-swap="innerHTML">${frame(name, frames[name])}</div>`;
}

export function frame(name: FrameName, url: string): Markup {
  return html`<iframe name="${name}" title="${titles[name]}" src="${url}" data-testid="frame-${name}"></iframe>`;
}

/** Shows the progress, the next step, and the result of the last one. */
export function stepsPart(steps: readonly Step[]): Markup {
  const next = steps.find(({ done }) => !done);
  const last = steps.findLast(({ done, number }) => done && number < (next?.number ?? steps.length + 1));
  return html`<ol class="dots">
      ${steps.map(
        ({ number, title, done }) =>
          html`<li
            class="${done ? 'done' : number === next?.number ? 'next' : ''}"
            data-testid="step-${number}"
            ${number === next?.number ? raw('aria-current="step"') : ''}
          >
            <span aria-hidden="true">${done ? '✓' : number}</span> ${title}<span class="hidden"
              >${done ? ', done' : ''}</span
            >
          </li>`,
      )}
    </ol>
    <p class="next" data-testid="next">
      ${
        next === undefined
          ? html`<strong>That was it.</strong> Every delivery has a trace: click its line under “Carried by Ferry”. To
              link your own helpdesks, write a links file as the README shows.`
          : html`<strong>${next.number}. ${next.title}</strong> ${bold(next.hint)}`
      }
    </p>
    ${last === undefined || last.result === null ? '' : html`<p class="result" data-testid="result"><span aria-hidden="true">✓</span> <strong>${last.title}:</strong> ${last.result}</p>`}`;
}

const toRules = html`<a href="#the-rules"><kbd>the rules</kbd></a>`;

/** Marks the parts in double asterisks as things to click. The rules get a link, because they may be out of sight. */
function bold(text: string): Markup {
  return html`${text.split('**').map((part, at) => (at % 2 === 0 ? part : part === 'the rules' ? toRules : html`<kbd>${part}</kbd>`))}`;
}

export function plugPart({ state, waiting, applied, lost, twice, finished }: PlugSeen): Markup {
  const isIn = state === 'in';
  return html`<form
      method="post"
      action="${isIn ? '/pull' : '/plug-in'}"
      hx-post="${isIn ? '/pull' : '/plug-in'}"
      hx-swap="none"
      hx-disabled-elt="find button"
    >
      <button id="plug" class="${state}" data-testid="plug" ${state === 'starting' ? raw('disabled') : ''}>
        ${state === 'in' ? 'Pull the plug' : state === 'pulled' ? 'Plug in' : 'Starting …'}
      </button>
    </form>
    <p class="counter" data-testid="counter" role="status">
      ${
        state === 'pulled'
          ? `${waiting} waiting`
          : waiting > 0
            ? `${waiting} waiting → ${applied} applied${finished ? `, ${lost} lost, ${twice} duplicated` : ''}`
            : ''
      }
    </p>`;
}

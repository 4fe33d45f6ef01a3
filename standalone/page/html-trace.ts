/** The timeline of one ticket across both sides, as `ferry trace` prints it, as a page. */
import { html } from 'hono/html';

import type { DeliveryLine, Entry, MirrorLine, Timeline } from '#operate/trace/timeline.ts';

import { document } from './html-page.ts';
import type { Command, Markup } from './html-page.ts';

/** @param command how a `ferry` command is typed here */
export function tracePage(timeline: Timeline, command: Command): Markup {
  const { instance, ticket, mirrors, entries } = timeline;
  return document(
    `Trace of ${instance} ${ticket}`,
    html`<body class="trace">
      <header>
        <p class="brand">
          <a href="/"><span class="logo" aria-hidden="true"></span> Ferry</a>
        </p>
      </header>
      <main>
        <h1>Trace of ${instance} ${ticket}</h1>
        ${mirrors.length === 0 ? html`<p>This ticket is not mirrored with another desk.</p>` : mirrors.map(mirrorPart)}
        <ol class="timeline">
          ${entries.map(entryPart)}
        </ol>
        <p class="same">In a terminal: <code>${command(`trace ${instance} ${ticket}`)}</code></p>
      </main>
    </body>`,
  );
}

function mirrorPart({ customer, supplier, link, state, closeReason, pausedBecause }: MirrorLine): Markup {
  const name = ({ instance, number, ticket }: MirrorLine['customer']): string =>
    `${instance} ${number ?? ticket ?? '(not open yet)'}`;
  return html`<p class="mirror">
    <b>${name(customer)}</b> ⇄ <b>${name(supplier)}</b>, link ${link},
    <span class="state"
      >${state}${closeReason === null ? '' : `: ${closeReason}`}${pausedBecause === null ? '' : `, paused: ${pausedBecause}`}</span
    >
  </p>`;
}

function entryPart(entry: Entry): Markup {
  const { instance, ticket, at, role, author, kind, changes, audience, hasNote, files, seenAfterMs, reason } = entry;
  const details = [
    ...(hasNote && audience !== null ? [`note for ${audience}`] : []),
    ...changes,
    ...(files > 0 ? [`${files} ${files === 1 ? 'file' : 'files'}`] : []),
    ...(seenAfterMs === null ? [] : [`seen after ${seenAfterMs} ms`]),
  ];
  return html`<li id="a-${entry.action ?? `${instance}-${ticket}-${entry.externalId}`}" class="${instance}">
    <p class="what">
      <time datetime="${at}">${at.slice(11, 23)}</time>
      <b>${instance} ${ticket}</b> ${author ?? role ?? 'somebody'}${kind === null ? '' : html` <q>${kind}</q>`}
    </p>
    ${details.length === 0 ? '' : html`<p class="details">${details.join(' · ')}</p>`}
    ${entry.note === undefined ? '' : html`<blockquote>${entry.note}</blockquote>`}
    ${entry.editedAt === undefined ? '' : html`<p class="details">Somebody changed its text later; the carried text did not change.</p>`}
    ${reason === null ? '' : html`<p class="stays">Not carried: ${reason.text}</p>`}
    ${
      entry.deliveries.length === 0
        ? ''
        : html`<ul>
            ${entry.deliveries.map(deliveryPart)}
          </ul>`
    }
  </li>`;
}

function deliveryPart(delivery: DeliveryLine): Markup {
  const { kind, to, toTicket, escalation, state, tookMs, attempts, writes, drops, reason, tells } = delivery;
  const sort =
    kind === 'receipt'
      ? `receipt${tells === null ? '' : ` (${tells.outcome}${tells.number === null ? '' : `, opened as ${tells.number}`})`}`
      : escalation
        ? 'escalation'
        : '';
  return html`<li class="${state}">
    <b aria-hidden="true">${kind === 'receipt' ? '↩' : '→'}</b> ${to} ${toTicket ?? ''} ${sort}
    <span class="outcome">${state}</span>
    ${tookMs === null ? '' : html`<span class="ms">${tookMs} ms</span>`}
    <span class="details"
      >${attempts.length === 1 ? '1 attempt' : `${attempts.length} attempts`},
      ${writes.length === 1 ? '1 write' : `${writes.length} writes`}</span
    >
    ${reason === null || state === 'applied' ? '' : html`<p class="reason">${reason.text}</p>`}
    ${drops.map(({ text }) => html`<p class="reason">Left out: ${text}</p>`)}
  </li>`;
}

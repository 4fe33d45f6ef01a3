/** The list between the desks: one line for each carried action, with the rule that applied. */
import { html } from 'hono/html';

import type { StripRow } from '#standalone/demo/strip.ts';

import type { Markup } from './html-page.ts';

/** How a line appears: with the page, as a new line, or in place of its earlier version. */
export type Coming = 'present' | 'arrives' | 'changes';

export function stripLine(row: StripRow, coming: Coming = 'present'): Markup {
  const { id, kind, to, outcome, ms, reason } = row;
  const direction = to === 'northwind' ? 'right' : 'left';
  const state = outcome ?? (row.held ? 'held' : 'queued');
  return html`<li
    id="d-${id}"
    class="${kind} ${direction} ${state}${coming === 'arrives' ? ' fresh' : ''}"
    ${coming === 'changes' ? html`hx-swap-oob="true"` : ''}
  >
    <a href="/trace/${row.instance}/${row.ticket}#a-${row.action}" target="trace">
      <span class="rule">${rule(row)}</span>
      ${maps(row).map(([from, target]) => html`<span class="map">${from} <b aria-hidden="true">→</b><span class="hidden">becomes</span> ${target}</span>`)}
      <span class="facts">
        <span class="way"
          >${direction === 'right' ? html`to Northwind <b aria-hidden="true">→</b>` : html`<b aria-hidden="true">←</b> to Acme`}</span
        >
        <span class="outcome">${state}${state === 'applied' && kind === 'action' ? ' once' : ''}</span>
        ${ms === null ? '' : html`<span class="ms">${ms} ms</span>`}
        ${row.command?.mailsUser === true ? html`<span class="mail">✉ mails the user</span>` : ''}
      </span>
      ${outcome !== 'applied' && reason !== null ? html`<span class="reason">${reason.text}</span>` : ''}
    </a>
  </li>`;
}

function rule(row: StripRow): Markup {
  const { kind, words, command, escalation, told, opened_type: type } = row;
  if (kind === 'receipt') return html`Receipt${told === null ? '' : `: opened as ${told}`}`;
  const from = words?.kind ?? 'A change';
  const target = escalation ? (command === null ? null : `new ${type ?? 'ticket'}`) : (command?.kind ?? null);
  return target === null
    ? html`${from}`
    : html`${from} <b aria-hidden="true">→</b><span class="hidden">becomes</span> ${target}`;
}

/** Returns the pairs of words that were translated, besides the action kind. */
function maps({ words, command, kind, opened_type: type, ticket_words: own }: StripRow): [string, string][] {
  if (kind === 'receipt' || words === null || command === null) return [];
  const pairs = [
    [own?.type, type],
    [words.status, command.status],
    [own?.priority, command.priority],
    [own?.category, command.category],
  ] as const;
  return pairs.flatMap(([from, to]) => (from == null || to == null ? [] : [[from, to] satisfies [string, string]]));
}

/** @param lines of the strip, newest first */
export function stripList(lines: readonly Markup[]): Markup {
  if (lines.length === 0)
    return html`<li class="empty">Nothing has been carried yet. Each delivery appears here immediately.</li>`;
  return html`${lines}`;
}

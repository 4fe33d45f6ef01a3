/** The state of every customer, with the reason of each failure and what to do, as `ferry status` shows it. */
import { html } from 'hono/html';

import type { InstanceStatus, LinkStatus } from '#db/operate/status.ts';

import type { Command, Markup } from './html-page.ts';

export type TroubleSeen = {
  readonly instances: readonly InstanceStatus[];
  readonly links: readonly LinkStatus[];
};

const words: Readonly<Record<string, string>> = {
  up: 'works',
  down: 'down',
  auth: 'refuses us',
  new: 'not reached yet',
};

/** @param command how a `ferry` command is typed here */
export function troublePart({ instances, links }: TroubleSeen, command: Command): Markup {
  const customers = links.flatMap(({ customer, applied, held }) => {
    const found = instances.find(({ id }) => id === customer);
    return found === undefined ? [] : [{ ...found, applied, held }];
  });
  if (customers.length === 0) return html`<p>No customer is linked.</p>`;
  return html`<p>
      Northwind serves ${customers.length === 1 ? 'one customer' : `${customers.length} customers`}. A customer in
      trouble slows down nobody else.
    </p>
    <ul class="customers" data-testid="trouble">
      ${customers.map(
        ({ id, name, state, reason, retry_reason, lanes_waiting: waiting, applied }) =>
          html`<li class="${state}" data-testid="customer-${id}">
            <p>
              <b>${name}</b> <span class="state">${words[state] ?? state}</span>
              <span class="details">${applied} applied today${waiting > 0 ? `, ${waiting} waiting` : ''}</span>
            </p>
            ${
              state === 'up' || state === 'new'
                ? ''
                : html`<p class="reason">${reason ?? retry_reason?.text ?? 'No reason is known.'}</p>
                    <p class="fix">${fixOf(state, id, command)}</p>`
            }
          </li>`,
      )}
    </ul>
    <p class="same">In a terminal: <code>${command('status')}</code></p>`;
}

function fixOf(state: string, id: string, command: Command): Markup {
  const again = html`<code>${command(`retry ${id}`)}</code>`;
  return state === 'auth'
    ? html`What to do: put the right credentials into its links file, apply it, then run ${again}. Nothing is lost
      meanwhile: its deliveries wait.`
    : html`What to do: start the helpdesk; Ferry retries without help, or immediately with ${again}. Nothing is lost
      meanwhile.`;
}

/** Small pieces that all pages are built from. */
import { html, raw } from 'hono/html';
import type { HtmlEscapedString } from 'hono/utils/html';
import type { Status } from '#twins/halo/model.ts';

export type Html = HtmlEscapedString | Promise<HtmlEscapedString>;

export const nothing: Html = raw('');

/** Renders an attribute without a value, if it is wanted. */
export function flag(name: 'selected' | 'checked' | 'required' | 'data-focus', on: boolean): Html {
  return on ? raw(` ${name}`) : nothing;
}

/** Returns a name in the form for addresses and test ids: `Escalate to MSP` becomes `escalate-to-msp`. */
export function slugOf(name: string): string {
  return name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '');
}

const months = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');

/** Renders a time of the desk (UTC without a zone). The script of the pages shows it in the reader's own zone. */
export function time(stamp: string): Html {
  const month = months[Number(stamp.slice(5, 7)) - 1] ?? '';
  const words = `${Number(stamp.slice(8, 10))} ${month}, ${stamp.slice(11, 19)}`;
  return html`<time datetime="${stamp}Z" title="${words} UTC">${words}</time>`;
}

/** Renders a status in the desk's own colour. */
export function pill(status: Status | null, testid = ''): Html {
  if (status === null) return nothing;
  const hook = testid === '' ? nothing : html` data-testid="${testid}"`;
  return html`<span class="pill status-${status.id}${status.closed ? ' closed' : ''}" ${hook}>${status.name}</span>`;
}

/** Returns up to two letters for a person. */
export function initials(name: string): string {
  const words = name.replaceAll(/\([^()]*\)/g, '').split(/[\s._-]+/);
  const letters = words.map((word) => /\p{L}|\p{N}/u.exec(word)?.[0] ?? '').filter((letter) => letter !== '');
  return `${letters[0] ?? '?'}${letters.length > 1 ? letters.at(-1) : ''}`.toUpperCase();
}

/** Returns `1 ticket`, `2 tickets`. */
export function count(n: number, one: string, many = `${one}s`): string {
  return `${n} ${n === 1 ? one : many}`;
}

/** Returns a size for people to read. */
export function size(bytes: number): string {
  if (bytes < 1024) return `${bytes} bytes`;
  const units = ['KB', 'MB', 'GB'];
  let value = bytes / 1024;
  let unit = 0;
  for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024;
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

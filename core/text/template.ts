/** The note that an escalation carries: the agent's own words, the description, the public thread. */
import { must } from '#core/words/must.ts';
import { noteMaxBytes, sanitise, textToHtml, withoutEmpty } from './html.ts';
import { reason } from '#core/words/reasons.ts';
import { escapeHtml } from './text.ts';
import type { Reason } from '#core/words/vocabulary.ts';

/** One public entry of the ticket's history, oldest first. */
export type ThreadEntry = {
  readonly author: string;
  /** Instant, UTC. */
  readonly at: string;
  /** Sanitised HTML. */
  readonly html: string;
};

export type TemplateValues = {
  /** Sanitised HTML. */
  readonly note: string;
  readonly description: string;
  readonly thread: readonly ThreadEntry[];
  /** Plain text. */
  readonly summary: string;
  readonly number: string;
  readonly url: string;
  readonly agent: string;
  /** Empty when the requester is hidden. */
  readonly requester: string;
};

export const placeholders = [
  'note',
  'summary',
  'description',
  'thread',
  'number',
  'url',
  'agent',
  'requester',
] as const;
export type Placeholder = (typeof placeholders)[number];

const placeholder = /\{\{\s*([a-z]{1,40})\s*\}\}/gi;

/** Names in double braces that mean nothing, for lint. */
export function unknownPlaceholders(template: string): readonly string[] {
  return [...template.matchAll(placeholder)]
    .map((match) => must(match[1], 'name of a placeholder'))
    .filter((name) => !isPlaceholder(name.toLowerCase()));
}

/**
 * The rendered note, sanitised. Without a template: note, requester, description, thread, each if there is one.
 * What would make it longer than one note can be is left out, thread first, then description, with its reason.
 */
export function renderTemplate(
  template: string | null,
  values: TemplateValues,
): { readonly html: string; readonly drops: readonly Reason[] } {
  const whole = render(template, values);
  if (fits(whole)) return { html: whole, drops: [] };
  const threadless = render(template, { ...values, thread: [] });
  const drops = values.thread.length === 0 ? [] : [reason('too-long', { name: 'The public thread' })];
  if (fits(threadless)) return { html: threadless, drops };
  const bare = render(template, { ...values, thread: [], description: '' });
  return {
    html: bare,
    drops: values.description === '' ? drops : [...drops, reason('too-long', { name: 'The description' })],
  };
}

function fits(html: string): boolean {
  return Buffer.byteLength(html) <= noteMaxBytes;
}

function render(template: string | null, values: TemplateValues): string {
  const html = asHtml(values);
  if (template === null) return sanitise(standard(values, html));
  const frame = /<[a-z]/i.test(template) ? template : textToHtml(template);
  // One pass: what a value contains is never taken for a placeholder.
  const filled = frame.replaceAll(placeholder, (match, name: string) => {
    const known = name.toLowerCase();
    return isPlaceholder(known) ? html[known] : match;
  });
  return withoutEmpty(sanitise(filled));
}

function isPlaceholder(name: string): name is Placeholder {
  return (placeholders as readonly string[]).includes(name);
}

function asHtml(values: TemplateValues): Readonly<Record<Placeholder, string>> {
  const { note, description, thread, summary, number, url, agent, requester } = values;
  return {
    note,
    description,
    thread: thread.map(entryHtml).join(''),
    summary: escapeHtml(summary),
    number: escapeHtml(number),
    url: escapeHtml(url),
    agent: escapeHtml(agent),
    requester: escapeHtml(requester),
  };
}

function standard(values: TemplateValues, html: Readonly<Record<Placeholder, string>>): string {
  return [
    html.note,
    values.requester === '' ? '' : `<p>Requester: ${html.requester}</p>`,
    values.description === '' ? '' : `<p><b>Description</b></p><div>${html.description}</div>`,
    values.thread.length === 0 ? '' : `<p><b>So far</b></p>${html.thread}`,
  ].join('');
}

function entryHtml({ author, at, html }: ThreadEntry): string {
  return `<p><b>${escapeHtml(author)}</b>, ${escapeHtml(minute(at))}</p><div>${html}</div>`;
}

/** `2026-11-21 09:12 UTC`; what is no instant stays as it is. */
export function minute(at: string): string {
  const time = Date.parse(at);
  if (!Number.isFinite(time)) return at;
  return `${new Date(time).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

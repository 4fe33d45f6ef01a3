/** Renders the note that an escalation carries: the agent's own words, the description, the public thread. */
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

/** Finds names in double braces that are not placeholders, for lint. */
export function unknownPlaceholders(template: string): readonly string[] {
  return [...template.matchAll(placeholder)]
    .map((match) => must(match[1], 'name of a placeholder'))
    .filter((name) => !isPlaceholder(name.toLowerCase()));
}

/**
 * Renders and sanitises the note. Without a template: note, requester, description and thread, each if present. Parts
 * that would make it too long for one note are left out with a reason, first the thread, then the description.
 */
export function renderTemplate(
  template: string | null,
  values: TemplateValues,
): { readonly html: string; readonly drops: readonly Reason[] } {
  const { thread, description } = values;
  const html = asHtml(values);
  const frame = template === null ? null : frameOf(template);
  const threadless = { ...html, thread: '' };
  const noThread = thread.length === 0 ? [] : [reason('too-long', { name: 'The public thread' })];
  const noDescription = description === '' ? [] : [reason('too-long', { name: 'The description' })];
  for (const { given, drops } of [
    { given: html, drops: [] },
    { given: threadless, drops: noThread },
  ]) {
    // The parts are already safe, so the length can be checked before sanitising the whole.
    const whole = filled(frame, given);
    const rendered = fits(whole) ? safe(template, whole) : '';
    if (fits(whole) && fits(rendered)) return { html: rendered, drops };
  }
  const bare = filled(frame, { ...threadless, description: '' });
  return { html: safe(template, bare), drops: [...noThread, ...noDescription] };
}

function fits(html: string): boolean {
  return Buffer.byteLength(html) <= noteMaxBytes;
}

function safe(template: string | null, html: string): string {
  return template === null ? sanitise(html) : withoutEmpty(sanitise(html));
}

type Html = Readonly<Record<Placeholder, string>>;
type Frame = readonly (string | { readonly name: Placeholder })[];

function frameOf(template: string): Frame {
  const frame = /<[a-z]/i.test(template) ? template : textToHtml(template);
  const pieces: (string | { readonly name: Placeholder })[] = [];
  let copied = 0;
  for (const { 0: whole, 1: written = '', index } of frame.matchAll(placeholder)) {
    const name = written.toLowerCase();
    if (!isPlaceholder(name)) continue;
    pieces.push(frame.slice(copied, index), { name });
    copied = index + whole.length;
  }
  return [...pieces, frame.slice(copied)];
}

/** One pass: a value's content is never taken for a placeholder. */
function filled(frame: Frame | null, html: Html): string {
  if (frame === null) return standard(html);
  return frame.map((piece) => (typeof piece === 'string' ? piece : html[piece.name])).join('');
}

function isPlaceholder(name: string): name is Placeholder {
  return (placeholders as readonly string[]).includes(name);
}

function asHtml(values: TemplateValues): Html {
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

function standard({ note, requester, description, thread }: Html): string {
  return [
    note,
    requester === '' ? '' : `<p>Requester: ${requester}</p>`,
    description === '' ? '' : `<p><b>Description</b></p><div>${description}</div>`,
    thread === '' ? '' : `<p><b>So far</b></p>${thread}`,
  ].join('');
}

function entryHtml({ author, at, html }: ThreadEntry): string {
  return `<p><b>${escapeHtml(author)}</b>, ${escapeHtml(minute(at))}</p><div>${html}</div>`;
}

/** Formats an instant as `2026-11-21 09:12 UTC`; other texts are unchanged. */
export function minute(at: string): string {
  const time = Date.parse(at);
  if (!Number.isFinite(time)) return at;
  return `${new Date(time).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

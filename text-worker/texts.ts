/**
 * Works on texts from strangers: short ones at once, longer ones in a separate thread with a limit, so that no text
 * holds up the rest of this process. A text that cannot be read within the limit is kept as plain text.
 */
import { createHash } from 'node:crypto';
import { decide } from '#core/conversation/decide.ts';
import type { DecideInput } from '#core/conversation/decide-input.ts';
import { unreadHtml, unreadNote, type SanitisedNote } from '#core/text/html.ts';
import { send, type SendInput, type SendResult } from '#core/conversation/send.ts';
import type { Action, Verdict } from '#core/words/vocabulary.ts';
import { createPool, TextLimit, type PoolLimits } from './pool.ts';
import { work } from './work.ts';

export type Texts = {
  /** A note as it came from a helpdesk. Never rejects: see `unreadNote`. */
  note(html: string): Promise<SanitisedNote>;
  /**
   * Safe HTML. `images`: the ids of inline images that exist; absent: every image counts as existing. Never rejects:
   * see `unreadHtml`.
   */
  html(html: string, images?: readonly string[]): Promise<string>;
  /** Core's own function, wherever it runs. */
  send(input: SendInput): Promise<SendResult>;
  decide(input: DecideInput): Promise<Verdict>;
  close(): Promise<void>;
};

export type TextLimits = PoolLimits & {
  /** Longer texts go to a thread. In characters. */
  readonly hereMax: number;
};

export const textLimits: TextLimits = {
  hereMax: 16 * 1024,
  threads: 2,
  limitMs: 2000,
  atMostMs: 10_000,
  memoryMb: 512,
};

/** How many unreadable texts are remembered. A ticket is read again and again, and its text stays the same. */
const mostUnread = 1000;

export function createTexts(given: Partial<TextLimits> = {}): Texts {
  const limits = { ...textLimits, ...given };
  const pool = createPool(limits);
  const unread = new Set<string>();

  /** Returns the result, or null if the text exceeds the limits now or did so before. */
  async function within(name: 'note' | 'html', html: string, ...rest: readonly unknown[]): Promise<unknown> {
    const key = createHash('sha256').update(html).digest('base64');
    if (unread.has(key)) return null;
    try {
      return await pool.run(name, [html, ...rest]);
    } catch (error) {
      if (!(error instanceof TextLimit)) throw error;
      if (unread.size >= mostUnread) unread.clear();
      unread.add(key);
      return null;
    }
  }

  return {
    async note(html) {
      if (html.length <= limits.hereMax) return work.note(html);
      return ((await within('note', html)) as SanitisedNote | null) ?? unreadNote(html);
    },
    async html(html, images) {
      if (html.length <= limits.hereMax) return work.html(html, images);
      return ((await within('html', html, images)) as string | null) ?? unreadHtml(html);
    },
    async send(input) {
      if (lengthOf(input) <= limits.hereMax) return send(input);
      // The text was made safe and short when it came in. The thread only keeps it from holding up other work.
      return pool.run('send', [input]).catch(() => send(input)) as Promise<SendResult>;
    },
    async decide(input) {
      if (lengthOfAction(input.outgoing.action) <= limits.hereMax) return decide(input);
      return pool.run('decide', [input]).catch(() => decide(input)) as Promise<Verdict>;
    },
    close: () => pool.close(),
  };
}

function lengthOf({ action, snapshot, publicThread }: SendInput): number {
  const thread = publicThread.reduce((sum, entry) => sum + entry.html.length, 0);
  return lengthOfAction(action) + (snapshot?.description.length ?? 0) + thread;
}

function lengthOfAction({ note, words }: Action): number {
  const fields = Object.values(words.fields).reduce<number>(
    (sum, value) => sum + (typeof value === 'string' ? value.length : 0),
    0,
  );
  return (note?.length ?? 0) + fields;
}

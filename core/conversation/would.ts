/** What would become of an action if it were carried: the verdict, as a preview shows it. */
import type { Audience, Command, Reason } from '#core/words/vocabulary.ts';
import type { Outgoing } from './send.ts';

/** What is known here of an action that another gateway or tool maps by its own rules: nothing of what it says. */
export type Shape = {
  readonly kind: string | null;
  readonly type: string | null;
  readonly audience: Audience;
  /** UTF-8; 0 without a note. */
  readonly noteBytes: number;
  readonly files: number;
  /** Of those files whose size is known. */
  readonly fileBytes: number;
};

export type Would =
  | { readonly verdict: 'apply'; readonly command: Command; readonly drops: readonly Reason[] }
  /** It would be handed over; the other side decides what happens to it. */
  | { readonly verdict: 'leave'; readonly shape: Shape; readonly drops: readonly Reason[] }
  | { readonly verdict: 'skip' | 'refuse' | 'hold'; readonly reason: Reason };

export function shapeOf({ action }: Pick<Outgoing, 'action'>): Shape {
  const { words, audience, note, attachments } = action;
  return {
    kind: words.kind,
    type: words.type ?? null,
    audience,
    noteBytes: note === null ? 0 : new TextEncoder().encode(note).length,
    files: attachments.length,
    fileBytes: attachments.reduce((sum, { sizeBytes }) => sum + (sizeBytes ?? 0), 0),
  };
}

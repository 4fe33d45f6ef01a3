/** The work on texts from strangers, by name, so that it can run in this process or in a separate thread. */
import { decide } from '#core/conversation/decide.ts';
import { sanitise, sanitiseNote } from '#core/text/html.ts';
import { send } from '#core/conversation/send.ts';

export const work = {
  note: sanitiseNote,
  html: (html: string, images?: readonly string[]) =>
    sanitise(html, images === undefined ? {} : { images: new Set(images) }),
  send,
  decide,
} as const;

export type Work = typeof work;
export type WorkName = keyof Work;

/** Plain data in both directions. */
export type Order = { readonly id: number; readonly name: WorkName; readonly given: readonly unknown[] };
export type Answer =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly failed: string };

/** What the page has seen at the desks: how the pulled plug went, and who made an action. */
import { webClient } from '#twins/halo/model.ts';
import type { DeskAction } from './desks.ts';

export type PlugState = 'in' | 'pulled' | 'starting';

export type PlugSeen = {
  readonly state: PlugState;
  /** Written on each side since it was pulled, and to be carried. */
  readonly notes: { readonly acme: number; readonly northwind: number };
  readonly waiting: number;
  readonly applied: number;
  readonly lost: number;
  readonly twice: number;
  /** It is in again and everything that waited has ended. */
  readonly finished: boolean;
};

/** Made by Ferry, not by a person at this desk. */
export function isCarried(action: DeskAction): boolean {
  return action.actionby_application_id !== '' && action.actionby_application_id !== webClient;
}

/** What the page has seen at the desks: the state of the plug, and who made an action. */
import { webClient } from '#twins/halo/model.ts';
import type { DeskAction } from './desks.ts';

export type PlugState = 'in' | 'pulled' | 'starting';

export type PlugSeen = {
  readonly state: PlugState;
  /** Notes to carry that people wrote on each side since the plug was pulled. */
  readonly notes: { readonly acme: number; readonly northwind: number };
  readonly waiting: number;
  readonly applied: number;
  readonly lost: number;
  readonly twice: number;
  /** The plug is in again, and every delivery that waited has ended. */
  readonly finished: boolean;
};

/** Says whether Ferry made the action, not a person at this desk. */
export function isCarried(action: DeskAction): boolean {
  return action.actionby_application_id !== '' && action.actionby_application_id !== webClient;
}

/**
 * Determines the time that a change is signed with: its desk's, corrected by what the desk shows before and after it.
 */
import { changesAnything, originAt } from '#core/conversation/meet.ts';
import type { ObservedAction } from '#core/words/desk.ts';
import type { Changed, Ref } from '#core/words/vocabulary.ts';
import type { Tx } from '#db/base/client.ts';
import { knownChanges, type KnownChange, type KnownChanges } from './changes.ts';
import type { Echoes } from './echoes.ts';

export type Signed = {
  /** The instant to sign with. */
  readonly at: string;
  /** Changes at its desk that were logged earlier and replace parts of it: nobody needs to receive those parts. */
  readonly covered: readonly Changed[];
};

export type OriginTimes = {
  /** Returns the time of the new action at this index; called in the desk's order, once for each. */
  of(action: ObservedAction, index: number): Promise<Signed>;
};

export type OriginTimesInput = {
  readonly ref: Ref;
  readonly mirrors: readonly { readonly id: string }[];
  readonly actions: readonly ObservedAction[];
  readonly echoes: Echoes;
  /** How far the desk's clock runs ahead of ours. Milliseconds. */
  readonly offsetMs: number;
};

/** Runs under the ticket's lock. Queries nothing if nothing changes. */
export function originTimes(tx: Tx, input: OriginTimesInput): OriginTimes {
  const { ref, mirrors, actions, echoes, offsetMs } = input;
  const indexOf = new Map(actions.map((action, index) => [action.externalId, index]));
  let asked: Promise<KnownChanges> | null = null;
  const logged: { readonly at: string; readonly index: number }[] = [];

  const placeOf = ({ externalId, came }: KnownChange, index: number, at: string): 'behind' | 'ahead' | 'neither' => {
    if (came === null) return (indexOf.get(externalId ?? '') ?? -1) > index ? 'ahead' : 'behind';
    const shown = echoes.isBefore(came.delivery, index, at);
    if (shown === null) return came.ended ? 'behind' : 'neither';
    if (shown) return 'behind';
    // Until its courier has ended it, a write that replaced the change may still have to give way to it.
    return came.ended ? 'ahead' : 'neither';
  };
  return {
    async of(action, index) {
      if (mirrors.length === 0 || !changesAnything(action.words)) return { at: action.at, covered: [] };
      asked ??= knownChanges(
        tx,
        ref,
        mirrors.map(({ id }) => id),
      );
      const { now, changes } = await asked;
      const placed = changes.map((change) => ({ ...change, place: placeOf(change, index, action.at) }));
      const at = originAt({
        at: action.at,
        offsetMs,
        now,
        behind: [...placed.filter(({ place }) => place === 'behind'), ...logged].map((one) => one.at),
        ahead: placed.filter(({ place }) => place === 'ahead').map((one) => one.at),
      });
      logged.push({ at, index });
      return {
        at,
        covered: placed.flatMap((one) => (one.place === 'ahead' && one.came === null ? [one.changed] : [])),
      };
    },
  };
}

/** Tries a status and a field, with a note as Ferry writes them. */
import type { Outcome, Probe } from '#connectors/contract/check.ts';
import { HelpdeskError } from '#connectors/contract/errors.ts';
import type { Helpdesk } from '#connectors/contract/helpdesk.ts';
import { sameName } from '#core/words/names.ts';
import type { Catalogue, TicketSnapshot } from '#core/words/vocabulary.ts';
import type { TrialDesk, Wish } from './trial-desk.ts';
import { trialValue } from './trial-texts.ts';
import { notMade } from './trial-help.ts';

/** Of statuses and fields at most so many are tried: a workflow may refuse some. */
const mostTried = 3;

export function stateProbes(
  helpdesk: Helpdesk,
  desk: TrialDesk,
  fields: readonly string[],
  fix: string,
): readonly Probe[] {
  let catalogue: Catalogue | null = null;
  const words = async (signal: AbortSignal): Promise<Catalogue> => (catalogue ??= await helpdesk.catalogue(signal));

  async function tried(
    names: readonly string[],
    wish: (name: string) => Wish,
    isSo: (snapshot: TicketSnapshot, name: string) => boolean,
    signal: AbortSignal,
  ): Promise<Outcome> {
    let refusal: Outcome | null = null;
    for (const name of names.slice(0, mostTried)) {
      try {
        await desk.write({ note: `<p>Ferry tries to set "${name}".</p>`, ...wish(name) }, signal);
      } catch (error) {
        if (!(error instanceof HelpdeskError) || error.class !== 'refused') throw error;
        const isRight = /permi(?:t|ssion)|right|not allowed/i.test(error.message);
        refusal = {
          verdict: isRight ? 'not-allowed' : 'differs',
          saw: error.message,
          fix,
        };
        continue;
      }
      const found = await desk.wait(({ snapshot }) => (isSo(snapshot, name) ? true : null), signal);
      if (found !== null) return { verdict: 'ok', saw: `"${name}"` };
      return {
        verdict: 'differs',
        saw: `the note is there, and "${name}" is not set`,
        fix,
      };
    }
    return refusal ?? { verdict: 'unknown', saw: 'there is nothing of the kind that could be tried' };
  }

  return [
    {
      name: 'write a status',
      async run(signal) {
        const before = desk.before();
        if (before === null) return notMade;
        const { statuses, types } = await words(signal);
        const { status: now, type } = before.snapshot;
        const allowed = types.find(({ name }) => name === type)?.statuses;
        const names = statuses
          .filter(({ name, closed }) => !closed && !sameName(name, now))
          .map(({ name }) => name)
          .filter((name) => allowed === undefined || allowed.some((one) => sameName(one, name)));
        return tried(
          names,
          (status) => ({ status }),
          ({ status }, name) => sameName(status, name),
          signal,
        );
      },
    },
    {
      name: 'write a field',
      async run(signal) {
        const before = desk.before();
        if (before === null) return notMade;
        const there = new Set(Object.keys(before.snapshot.fields));
        const texts = (await words(signal)).fields.filter(({ name, type }) => type === 'text' && there.has(name));
        const isMapped = (name: string): boolean => fields.some((one) => sameName(one, name));
        const names = texts.map(({ name }) => name).toSorted((a, b) => Number(isMapped(b)) - Number(isMapped(a)));
        return tried(
          names,
          (name) => ({ fields: { [name]: trialValue } }),
          (snapshot, name) => snapshot.fields[name] === trialValue,
          signal,
        );
      },
    },
  ];
}

/**
 * Probes that write, on a ticket that somebody named for it: each writes one thing, reads it back as Ferry would, and says
 * the result. At the end, it deletes what it wrote, restores what it changed, and lists what is left.
 */
import type { Outcome, Probe, Trial } from '#connectors/contract/check.ts';
import type { ConnectorContext, Helpdesk } from '#connectors/contract/helpdesk.ts';
import { cleanUpOf } from './trial-clean.ts';
import { createTrialDesk } from './trial-desk.ts';
import type { TrialDesk } from './trial-desk.ts';
import { notMade } from './trial-help.ts';
import type { TrialHelp } from './trial-help.ts';
import { noteProbes } from './trial-notes.ts';
import { sizeProbes } from './trial-sizes.ts';
import { stateProbes } from './trial-state.ts';

export type TrialRun = {
  readonly probes: readonly Probe[];
  /** See `Checked`. */
  cleanUp(signal: AbortSignal): Promise<Outcome | null>;
};

export const noTrial: TrialRun = { probes: [], cleanUp: () => Promise.resolve(null) };

/** @param fields names that links fill here: one of them is tried before others */
export function createTrial(
  trial: Trial,
  context: ConnectorContext,
  fields: readonly string[],
  help: TrialHelp,
): TrialRun & { readonly helpdesk: Helpdesk; readonly desk: TrialDesk } {
  const helpdesk = trial.open(context);
  const desk = createTrialDesk(helpdesk, trial);
  return {
    helpdesk,
    desk,
    probes: [
      begin(desk),
      ...noteProbes(desk, help),
      ...stateProbes(helpdesk, desk, fields, help.rightsFix),
      ...sizeProbes(helpdesk, desk),
      byItself(desk, help),
    ],
    cleanUp: cleanUpOf(desk, help),
  };
}

function begin(desk: TrialDesk): Probe {
  return {
    name: 'ticket for the trial',
    async run(signal) {
      const ticket = await desk.begin(signal);
      if (ticket === null) return { verdict: 'differs', saw: 'there is no such ticket', fix: 'Name one that is open.' };
      return { verdict: 'ok' };
    },
  };
}

/** What the desk did because of our notes, which asked for nothing of the kind. */
function byItself(desk: TrialDesk, { mailsSince, quietFix }: TrialHelp): Probe {
  return {
    name: 'by itself',
    async run(signal) {
      const before = desk.before();
      if (before === null) return notMade;
      const ticket = await desk.read(signal);
      const last = before.actions.at(-1)?.externalId ?? null;
      const mails =
        mailsSince === null
          ? desk.fresh(ticket).filter(({ mailed }) => mailed === true).length
          : await mailsSince(last, signal);
      const others = desk.fresh(ticket).filter(({ author }) => author.role === 'automation');
      const facts = { mailsByItself: mails > 0, actsByItself: others.length > 0 };
      if (mails > 0)
        return { verdict: 'differs', saw: `${mails} mails were sent because of our notes`, fix: quietFix, facts };
      if (others.length === 0) return { verdict: 'ok', facts };
      const status = others.findLast(({ words }) => words.status !== undefined)?.words.status;
      const saw = status === undefined ? 'it wrote on the ticket' : `it set the status to ${status}`;
      return { verdict: 'ok', saw: `${saw} because of our notes; Ferry does not carry that`, facts };
    },
  };
}

/** A trial at an RT: what its scrips do because of our notes shows in the ticket's history, which REST2 can't delete from. */
import type { Mapped, Trial } from '#connectors/contract/check.ts';
import type { ConnectorContext } from '#connectors/contract/helpdesk.ts';
import { createTrial } from '#connectors/kit/trial.ts';
import type { TrialRun } from '#connectors/kit/trial.ts';
import { askTransactions } from './ask.ts';
import type { Reader } from './ask.ts';

const mails: ReadonlySet<string> = new Set(['EmailRecord', 'CommentEmailRecord']);

export function rtTrial(context: ConnectorContext, trial: Trial, mapped: Mapped, reader: Reader): TrialRun {
  const { ticketId } = trial;
  const { supplierRefField, remoteRefField } = reader.options;
  const fields = [...mapped.types.flatMap((type) => type.fields), supplierRefField, remoteRefField];
  return createTrial(trial, context, fields, {
    edit: null,
    rightsFix:
      'Give the service user ModifyTicket and ModifyCustomField: run setup.pl with --queue for the queue of this ticket.',
    quietFix:
      'Run setup.pl without --no-quiet; its scrip "Ferry: quiet writes" keeps RT from mailing about our writes.',
    async mailsSince(actionId, signal) {
      const all = await askTransactions(reader, ticketId, null, signal);
      return all.filter(({ id, Type }) => mails.has(Type) && Number(id) > Number(actionId ?? 0)).length;
    },
    remove: ({ actionIds }) =>
      Promise.resolve({
        left: actionIds.length === 0 ? [] : [`transactions ${actionIds.join(', ')}: RT deletes none over REST`],
        isFault: false,
      }),
  });
}

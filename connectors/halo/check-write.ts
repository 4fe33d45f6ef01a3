/** A trial at a Halo: what only Halo's own API can do, and how Halo names us in what we wrote. */
import type { Facts, Mapped, Probe, Trial } from '#connectors/contract/check.ts';
import { HelpdeskError } from '#connectors/contract/errors.ts';
import type { ConnectorContext } from '#connectors/contract/helpdesk.ts';
import { notAfterIn } from '#connectors/contract/not-after.ts';
import { createTrial } from '#connectors/kit/trial.ts';
import type { TrialRun } from '#connectors/kit/trial.ts';
import type { TrialHelp } from '#connectors/kit/trial-help.ts';
import { listActions } from './actions.ts';
import { isOurs, listFiles } from './attachments.ts';
import type { Call, WriteCall } from './call.ts';
import type { HaloClient } from './client.ts';
import { quiet } from './quiet.ts';
import { action as actionSchema } from './wire.ts';

const writeWithinMs = 30_000;

/** @param posted how Halo answered the last POST of one element */
export function haloTrial(
  context: ConnectorContext,
  trial: Trial,
  mapped: Mapped,
  client: HaloClient,
  posted: () => Facts,
): TrialRun {
  const { ticketId } = trial;
  const fields = mapped.types.flatMap((type) => type.fields);
  const { probes, cleanUp, desk } = createTrial(trial, context, fields, helpOf(client, ticketId));
  const us: Probe = {
    name: 'our name',
    async run(signal) {
      const ours = new Set(desk.made(null).actionIds);
      const call: Call = { what: `Reading the actions of ticket ${ticketId}`, link: null, signal };
      const found = ours.size === 0 ? [] : await listActions(client, ticketId, null, call);
      const one = found.find(({ id }) => ours.has(String(id)));
      if (one === undefined) return { verdict: 'unknown', saw: 'no note of ours shows' };
      const { actionby_application_id: application } = one;
      if (application === null || application === undefined || application === '')
        return { verdict: 'ok', saw: 'actions name no application; we are known by our agent', facts: posted() };
      return { verdict: 'ok', saw: `"${application}"`, facts: posted(), own: { applicationId: application } };
    },
  };
  return { cleanUp, probes: [...probes, us] };
}

function helpOf(client: HaloClient, ticketId: string): TrialHelp {
  return {
    quietFix: 'Look at the notifications and automations of this Halo: what Ferry writes asks for none.',
    mailsSince: null,
    rightsFix: "Let the workflow of this ticket's type allow it in this step, and Ferry's agent change it.",
    async edit(actionId, note_html, signal) {
      const what = {
        what: `Editing action ${actionId} of ticket ${ticketId}`,
        link: null,
        signal,
        notAfter: notAfterIn(writeWithinMs),
      };
      const edit = { id: Number(actionId), ticket_id: Number(ticketId), note_html, ...quiet(false) };
      await client.post('Actions', edit, actionSchema, what);
    },
    async remove({ actionIds, markers, pictures }, signal) {
      const asked = { what: `Deleting what a trial wrote on ticket ${ticketId}`, link: null, signal };
      const call = (): WriteCall => ({ ...asked, notAfter: notAfterIn(writeWithinMs) });
      const left: string[] = [];
      let isFault = false;
      const removed = async (name: string, path: string, query: Parameters<HaloClient['remove']>[1]): Promise<void> => {
        try {
          await client.remove(path, query, call());
        } catch (error) {
          if (!(error instanceof HelpdeskError)) throw error;
          // What is not there need not be deleted.
          if (error.code === 'not-found') return;
          isFault = true;
          left.push(`${name} (${error.message})`);
        }
      };
      const files = await listFiles(client, ticketId, asked).catch((error: unknown) => {
        if (!(error instanceof HelpdeskError)) throw error;
        isFault = true;
        left.push(`its files (${error.message})`);
        return [];
      });
      for (const file of files.filter((one) => markers.some((marker) => isOurs(one, marker))))
        await removed(`file ${file.id}`, `Attachment/${file.id}`, {});
      for (const id of actionIds) await removed(`action ${id}`, `Actions/${id}`, { ticket_id: ticketId });
      const some = pictures === null ? 'pictures, if any were written,' : `${pictures} pictures`;
      if (pictures !== 0) left.push(`${some} that nothing shows any more: Halo has no way to delete them`);
      return { left, isFault };
    },
  };
}

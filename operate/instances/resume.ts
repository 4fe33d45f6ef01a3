/** Resumes an instance whose desk was restored from a backup, after comparing its mirrored tickets one by one. */
import type { Helpdesk } from '#connectors/contract/helpdesk.ts';
import { comparableText } from '#core/text/fingerprint.ts';
import { judgeRestored } from '#core/log/restored.ts';
import { loadFederation } from '#db/settings/settings.ts';
import { loadInstance } from '#db/settings/instances.ts';
import { endQuarantine, ticketsToVerify, type MirroredTicket, type Verified } from '#db/operate/restored.ts';
import { credentialsContext } from '#operate/apply/types.ts';
import { change, changed } from '#operate/change.ts';
import { assertDriven } from '#operate/known.ts';
import type { DeskOperator } from '#operate/operator.ts';
import { Refused } from '#operate/refused.ts';
import { allow, everywhere } from '#operate/rights.ts';

export type ResumeInstanceOptions = {
  readonly dryRun?: boolean;
  /** Confirms before anything is changed; if absent, yes. */
  readonly confirm?: (verified: readonly Verified[]) => Promise<boolean>;
};

export type ResumedInstance = {
  readonly outcome: 'resumed' | 'dry-run' | 'declined';
  readonly verified: readonly Verified[];
  /** Mirrors whose ticket is gone, or whose number belongs to another ticket. */
  readonly paused: readonly string[];
};

/** Time limit of one reading; tickets are read one at a time, to spare a desk that has just restarted. Milliseconds. */
const readMs = 30_000;

/** Resumes it. @throws Refused unknown-instance, not-local, not-quarantined, overtaken; HelpdeskError if the desk can't be asked */
export async function resumeInstance(
  operator: DeskOperator,
  instance: string,
  options: ResumeInstanceOptions = {},
): Promise<ResumedInstance> {
  allow(operator, 'instance-resume', everywhere);
  const { db } = operator;
  await assertDriven(db, instance);
  const row = await loadInstance(db, instance);
  if (row?.quarantinedAt == null)
    throw new Refused(
      'not-quarantined',
      'state',
      `${instance} is not in quarantine; there is nothing to resume. To resume a paused mirror, use its id from ferry status`,
    );
  const helpdesk = await open(operator, instance);
  const verified: Verified[] = [];
  for (const one of await ticketsToVerify(db, instance)) verified.push(await verify(helpdesk, one));
  if (options.dryRun === true) return { outcome: 'dry-run', verified, paused: [] };
  if (options.confirm !== undefined && !(await options.confirm(verified)))
    return { outcome: 'declined', verified, paused: [] };
  const cursor = await feedSince(helpdesk, verified);
  const { paused, wake } = await change(operator, async (tx) => {
    const ended = await endQuarantine(tx, instance, verified, cursor);
    if (ended === null)
      throw new Refused('overtaken', 'state', `somebody resumed ${instance} at the same time; look again`);
    const counted = (verdict: Verified['verdict']): number => verified.filter((of) => of.verdict === verdict).length;
    return changed(ended, {
      what: 'instance-resume',
      subject: `instances/${instance}`,
      detail: {
        same: counted('same'),
        behind: counted('behind'),
        other: counted('other'),
        missing: counted('missing'),
        paused: ended.paused,
      },
    });
  });
  await operator.wake([instance, ...wake]);
  return { outcome: 'resumed', verified, paused };
}

async function open({ db, open: unseal, deskOf }: DeskOperator, instance: string): Promise<Helpdesk> {
  const stored = (await loadFederation(db)).instances.get(instance);
  if (stored === undefined) throw new Error(`instance ${instance} went away`);
  const opened = await unseal(stored.credentials, credentialsContext(instance));
  return deskOf({ ...stored, credentials: JSON.parse(opened) as Record<string, string> });
}

async function verify(helpdesk: Helpdesk, { ticket, summary, known }: MirroredTicket): Promise<Verified> {
  const reading = await helpdesk.read(ticket, null, AbortSignal.timeout(readMs));
  const notes = new Map<string, string>();
  if (reading.kind === 'ticket') for (const { externalId, note } of reading.actions) notes.set(externalId, note ?? '');
  const all = known.map(({ note, ...one }) => ({
    ...one,
    sameText: note === null ? null : comparableText(note) === comparableText(notes.get(one.id) ?? ''),
  }));
  if (reading.kind !== 'ticket') return { ticket, ...judgeRestored(all, null, false) };
  const shown = reading.actions.map(({ externalId: id, at, made = at, author }) => ({ id, made, by: author.name }));
  return { ticket, ...judgeRestored(all, shown, summary === reading.snapshot.summary) };
}

/** Sets the feed to the newest action that is unchanged, so that it names everything after it. */
async function feedSince(helpdesk: Helpdesk, verified: readonly Verified[]): Promise<string> {
  const signal = AbortSignal.timeout(readMs);
  const kept = verified.flatMap(({ keptAt }) => (keptAt === null ? [] : [Date.parse(keptAt)]));
  if (helpdesk.feedFrom === undefined || kept.length === 0) return helpdesk.feedStart(signal);
  return helpdesk.feedFrom(new Date(Math.max(...kept)).toISOString(), signal);
}

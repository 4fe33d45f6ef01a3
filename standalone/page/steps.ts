/** The six steps of the first minute: what to do next, and how the page detects that it was done. Pure. */
import type { StripRow } from '#standalone/demo/strip.ts';

import type { View } from './view.ts';

export type Step = {
  readonly number: number;
  readonly title: string;
  /** What to click next; parts in double asterisks are the names of buttons. */
  readonly hint: string;
  readonly done: boolean;
  /** What the page saw when the step was done. */
  readonly result: string | null;
};

/** Acme's mail template for closures, by the name in its seed. */
const closureTemplate = 'Closure Confirmation';

/** The labels of Acme's buttons. */
const buttons = { escalate: 'Escalate to Northwind', toSupplier: 'Private note to supplier' } as const;

export function stepsOf(view: View): readonly Step[] {
  return [escalate(view), update(view), indirect(view), plug(view), mistake(view), resolve(view)].map((step, at) => ({
    number: at + 1,
    ...step,
  }));
}

type StepBody = Omit<Step, 'number'>;

function escalate(view: View): StepBody {
  const { ticket, mirror, northwind } = view;
  const row = carried(view, ({ escalation }) => escalation);
  const done = mirror !== null && mirror.supplier_ticket !== null && row !== undefined && northwind !== null;
  return {
    title: 'Escalate',
    hint: `At Acme, on “${ticket.summary}” (${ticket.id}): press **${buttons.escalate}**, choose the supplier Northwind MSP, and send it.`,
    done,
    result: done
      ? `Northwind opened ${northwind.id}, a ${northwind.tickettype_name} in “${northwind.status_name}”, requested by ${northwind.user_name}. ${seconds(row.ms)}, ${copies(view.copies)}, ${pictures(view)}.`
      : null,
  };
}

function copies(count: number): string {
  return count === 1 ? 'one copy' : `${count} copies`;
}

function seconds(ms: number | null): string {
  return `${((ms ?? 0) / 1000).toFixed(1)} s`;
}

/** Says whether both tickets have the same bytes. */
function pictures({ acme, northwind }: View): string {
  const ours = (acme?.attachments ?? []).filter(({ action_id: action }) => action === 0).map(({ sha256 }) => sha256);
  const theirs = new Set((northwind?.attachments ?? []).map(({ sha256 }) => sha256));
  return ours.length > 0 && ours.every((sha256) => theirs.has(sha256)) ? 'image intact' : 'the image is missing';
}

function update(view: View): StepBody {
  const { update: wanted } = view.words;
  const row = carried(view, ({ from, words }) => from === 'northwind' && words?.kind === wanted.kind);
  const id = Number(row?.written[0] ?? 0);
  const at = view.acme?.actions.find((action) => action.id === id);
  const isInPortal = view.portal?.actions.some((action) => action.id === id) ?? false;
  return {
    title: 'Update',
    hint: `At Northwind, on the new ticket: press **${wanted.button}**, write a line, and send it.`,
    done: at !== undefined,
    result:
      at === undefined
        ? null
        : `At Acme it is ${at.hiddenfromuser ? 'an internal' : 'a public'} note by “${at.who}”; the portal ${isInPortal ? 'shows it' : 'is unchanged'}.`,
  };
}

function indirect(view: View): StepBody {
  const { indirect: wanted } = view.words;
  const reply = carried(view, ({ from, author_role: role }) => from === 'acme' && role === 'user');
  const reached = reply === undefined ? null : `The reply reached Northwind after ${reply.ms} ms.`;
  if (wanted === null)
    return {
      title: 'Reply',
      hint: "In **Acme's portal**: reply as the user.",
      done: reached !== null,
      result: reached,
    };
  const mail = carried(view, ({ from, words }) => from === 'northwind' && words?.kind === wanted.kind);
  const sent = view.mails.filter((one) => mail?.written.includes(String(one.action_id)) === true);
  const isMailed = sent.length > 0;
  const many = sent.length === 1 ? 'One mail' : `${sent.length} mails`;
  const hides = !JSON.stringify(view.northwind ?? {}).includes(sent[0]?.to ?? '@');
  const seen = `${many} from ${sent[0]?.from}, in Acme's template; ${hides ? 'Northwind shows no address' : 'Northwind shows the address'}.`;
  return {
    title: 'Indirect e-mail',
    hint: isMailed
      ? `${seen} Now, in **Acme's portal**: reply as the user.`
      : `At Northwind: press **${wanted.button}**, write to the user, and send it.`,
    done: isMailed && reached !== null,
    result: isMailed && reached !== null ? `${seen} ${reached}` : null,
  };
}

function plug({ plug: seen, words }: View): StepBody {
  const counted = `${seen.waiting} waiting → ${seen.applied} applied, ${seen.lost} lost, ${seen.twice} duplicated`;
  const missing = [
    ...(seen.notes.northwind === 0 ? [`**${words.update.button}** at Northwind`] : []),
    ...(seen.notes.acme === 0 ? [`**${buttons.toSupplier}** at Acme`] : []),
  ];
  const hints = {
    in:
      seen.waiting > 0
        ? `Catching up: ${counted}.`
        : '**Pull the plug**: this kills the process that carries everything.',
    pulled:
      missing.length > 0
        ? `The worker was killed (SIGKILL). Write a note on each side: ${missing.join(' and ')}. Waiting: ${seen.waiting}.`
        : `Waiting: ${seen.waiting}. **Plug in**.`,
    starting: `The worker is starting: ${counted}.`,
  };
  return {
    title: 'Pull the plug',
    hint: hints[seen.state],
    done: seen.finished,
    result: seen.finished ? `${counted}.` : null,
  };
}

function mistake({ mistake: { refusedAt }, words }: View): StepBody {
  return {
    title: 'Make a mistake',
    hint: `In **the rules** below: map Northwind’s “${words.mailing} ✉” to Acme’s “Email User ✉”, let it mail the user, and save.`,
    done: refusedAt !== null,
    result:
      refusedAt === null ? null : `Refused next to the row, with the fix; the rules are still version ${refusedAt}.`,
  };
}

function resolve(view: View): StepBody {
  const { acme, northwind, mails, mirror, words: wanted } = view;
  const row = carried(view, ({ words }) => wanted.resolve.kinds.includes(words?.kind ?? ''));
  const done = mirror?.state === 'closed' && row !== undefined && acme !== null && northwind !== null;
  const closing = mails.filter(({ template }) => template === closureTemplate).length;
  const mailed = closing === 1 ? 'one closure mail' : `${closing === 0 ? 'no' : closing} closure mails`;
  return {
    title: 'Resolve',
    hint: `At Northwind: press **${wanted.resolve.button}**, write what helped, and send it.`,
    done,
    result: done
      ? `Acme says “${acme.status_name}”, Northwind “${northwind.status_name}”${wanted.closureMail ? `; ${mailed}` : ''}. Click a line under “Carried by Ferry” to open its trace.`
      : null,
  };
}

/** The latest delivery of this ticket's mirror that was applied. */
function carried({ rows, mirror }: View, which: (row: StripRow) => boolean): StripRow | undefined {
  return rows.find(
    (row) => row.mirror === mirror?.id && row.kind === 'action' && row.outcome === 'applied' && which(row),
  );
}

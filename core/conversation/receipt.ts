/**
 * Turns an outcome into the command that reports it at the origin's desk: for an escalation, the far ticket's number
 * and URL in the supplier reference; for a refusal, a private note to the acting agent with the far side's words and
 * what to do. Never shown in the portal, never mailed.
 */
import { minute } from '#core/text/template.ts';
import { names } from '#core/words/reference.ts';
import { escapeHtml } from '#core/text/text.ts';
import type { Command, Outcome, Person, Reason, SideName } from '#core/words/vocabulary.ts';

export type ReceiptView = {
  readonly outcome: Outcome;
  readonly reason: Reason;
  readonly farNumber: string | null;
  readonly farUrl: string | null;
  /** Display name of the far instance. */
  readonly farName: string;
  readonly escalation: boolean;
  readonly action: { readonly author: Person; readonly at: string; readonly kind: string | null };
};

export type ReceiptInput = {
  readonly receipt: ReceiptView;
  /** The origin's ticket. */
  readonly ticketId: string;
  /** The origin's side of the link. */
  readonly side: SideName;
  /** Supplier tickets that the origin's ticket currently names, one line each. */
  readonly suppliers?: readonly string[];
  readonly language: 'en';
  /** Instant, UTC. */
  readonly now: string;
};

/** Returns null when there is nothing to report; only escalations, refusals and overtaken changes are reported. */
export function receiptCommand({ receipt, ticketId, side, suppliers = [], now }: ReceiptInput): Command | null {
  const { outcome, escalation, farNumber } = receipt;
  const toSupplier = escalation && side === 'customer';
  if (outcome === 'applied' && toSupplier && farNumber !== null) {
    return { ...silent(ticketId, now), supplierReference: referenceTo(receipt, farNumber, suppliers) };
  }
  if (receipt.reason.code === 'overtaken') return { ...silent(ticketId, now), note: overtaken(receipt) };
  if (outcome !== 'refused') return null;
  const told = { ...silent(ticketId, now), note: refusal(receipt) };
  if (!toSupplier) return told;
  // Escalated again while a ticket is open there: the reference still names that ticket, even if somebody emptied the
  // field in order to escalate again.
  const isOpen = receipt.reason.code === 'already-escalated' && farNumber !== null;
  if (isOpen) return { ...told, supplierReference: referenceTo(receipt, farNumber, suppliers) };
  // A reference to other suppliers' tickets stays.
  return suppliers.length > 0 ? told : { ...told, supplierReference: null };
}

function referenceTo(
  { farUrl }: ReceiptView,
  number: string,
  suppliers: readonly string[],
): NonNullable<Command['supplierReference']> {
  const far = { number, url: farUrl ?? '' };
  const beside = suppliers.filter((line) => !names(line, far));
  return beside.length === 0 ? far : { ...far, beside };
}

function silent(ticketId: string, now: string): Command {
  return {
    ticketId,
    kind: null,
    note: null,
    visibility: 'hidden',
    mailsUser: false,
    author: { display: 'Ferry' },
    at: now,
    fields: {},
    attachments: [],
  };
}

function overtaken({ reason, farName, action }: ReceiptView): string {
  const who = action.author.name === '' ? '' : ` by ${action.author.name}`;
  const lead = `The change${who} of ${minute(action.at)} met another one at ${farName}.`;
  return `<p><b>${escapeHtml(lead)}</b></p><p>${escapeHtml(reason.text)}</p>`;
}

function refusal({ reason, farName, escalation, action }: ReceiptView): string {
  const why = escapeHtml(reason.text).replaceAll('\n', '<br />');
  // The final note of a link: no action failed to arrive.
  if (reason.code === 'link-ended') return `<p>${why}</p>`;
  // News about the ticket itself, such as its deletion: nobody's action failed to arrive.
  if (!escalation && action.kind === null && action.author.name === '') return `<p>${why}</p>`;
  const what = escalation ? 'The escalation' : action.kind === null ? 'The change' : `"${action.kind}"`;
  const who = action.author.name === '' ? '' : ` by ${action.author.name}`;
  const lead = `${what}${who} of ${minute(action.at)} did not arrive at ${farName}.`;
  return `<p><b>${escapeHtml(lead)}</b></p><p>${why}</p>`;
}

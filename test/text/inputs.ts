/** Inputs for core's functions, with a stranger's text in every place that can hold one. */
import type { DecideInput } from '#core/conversation/decide-input.ts';
import type { ReceiptInput } from '#core/conversation/receipt.ts';
import type { SendInput } from '#core/conversation/send.ts';
import type { Action, Command, TicketSnapshot } from '#core/words/vocabulary.ts';
import {
  action,
  decideInput,
  file,
  inbound,
  outbound,
  outgoing,
  sendInput,
  snapshot,
  words,
} from '#test/core/fixtures.ts';

const fields = [
  { from: 'Text', to: 'Service' },
  { from: 'Html', to: 'Plan' },
  { from: 'Options', to: 'Sites' },
  { from: 'Number', to: 'People' },
  { from: 'Instant', to: 'Window' },
];

export function actionWith(text: string): Action {
  return action({
    note: text,
    author: { name: text, email: text, role: 'agent' },
    attachments: [file({ name: text })],
    words: words({
      summary: text,
      fields: { Text: text, Html: text, Options: [text, text], Number: text, Instant: text, [text.slice(0, 50)]: text },
    }),
  });
}

export function decideWith(text: string): DecideInput {
  return decideInput({
    outgoing: outgoing({ action: actionWith(text), summary: text }),
    inbound: inbound({ actions: [{ from: 'Update', to: 'Internal Update' }], fields }),
    senderName: text,
  });
}

export function sendWith(text: string): SendInput {
  const sent = actionWith(text);
  return sendInput({
    action: { ...sent, words: { ...sent.words, kind: 'Note to supplier' } },
    outbound: outbound({ actions: ['Note to supplier'], quoted: 'fold' }),
    snapshot: snapshotWith(text),
    senderName: text,
  });
}

export function snapshotWith(text: string): TicketSnapshot {
  return snapshot({ summary: text, description: text, fields: { Text: text } });
}

export function commandWith(text: string): Command {
  return {
    ticketId: '7',
    kind: null,
    note: text,
    visibility: 'visible',
    mailsUser: false,
    author: { display: text },
    at: '2026-01-01T00:00:00Z',
    summary: text,
    fields: { Text: text },
    attachments: [file({ name: text })],
  };
}

export function receiptWith(text: string): ReceiptInput {
  return {
    receipt: {
      outcome: 'refused',
      reason: { code: 'refused-by-desk', text },
      farNumber: text,
      farUrl: text,
      farName: text,
      escalation: true,
      action: { author: { name: text, role: 'agent' }, at: '2026-01-01T00:00:00Z', kind: text },
    },
    ticketId: '7',
    side: 'customer',
    language: 'en',
    now: '2026-01-01T00:00:00Z',
  };
}

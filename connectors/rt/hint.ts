/** Reads the webhook that setup.pl installs: it names a ticket, nothing else is believed. */
import type { HintOf } from '#connectors/contract/helpdesk.ts';
import { hintSchema } from './wire.ts';

export const hintOf: HintOf = (body) => {
  const hint = hintSchema.safeParse(body);
  return hint.success ? [hint.data.ticket] : [];
};

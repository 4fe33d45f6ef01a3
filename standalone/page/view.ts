/** What the page knows of the demo at one moment, read only from the database and the desks. */
import type { Client } from '#db/base/client.ts';
import { latestMirror, loadStrip } from '#standalone/demo/strip.ts';
import type { MirrorSeen, StripRow } from '#standalone/demo/strip.ts';
import type { PortalTicket } from '#twins/halo/client.ts';
import type { Mail } from '#twins/halo/mail.ts';

import type { PageDesk, DeskTicket } from './desks.ts';
import type { MistakeSeen } from './mistake.ts';
import type { PlugSeen } from './seen.ts';
import type { StepWords } from './step-words.ts';

export type DemoTicket = { readonly id: number; readonly summary: string };

export type Desks = {
  readonly acme: DeskTicket | null;
  readonly northwind: DeskTicket | null;
  readonly portal: PortalTicket | null;
  /** Mail about the ticket that Acme would have sent. */
  readonly mails: readonly Mail[];
  /** The number of tickets at Northwind that mirror this one: exactly one unless something failed. */
  readonly copies: number;
};

export type View = Desks & {
  readonly ticket: DemoTicket;
  readonly words: StepWords;
  readonly mirror: MirrorSeen | null;
  /** Newest first. */
  readonly rows: readonly StripRow[];
  readonly plug: PlugSeen;
  readonly mistake: MistakeSeen;
};

export const stripLength = 60;

export async function readLog(db: Client, link: string, ticket: DemoTicket): Promise<Pick<View, 'mirror' | 'rows'>> {
  const [mirror, rows] = await Promise.all([
    latestMirror(db, link, String(ticket.id)),
    loadStrip(db, link, stripLength),
  ]);
  return { mirror, rows };
}

/** Reads both tickets; null for a desk that does not answer. */
export async function readDesks(
  desks: { readonly acme: PageDesk; readonly northwind: PageDesk },
  ticket: DemoTicket,
  mirror: MirrorSeen | null,
): Promise<Desks> {
  const far = mirror?.supplier_ticket ?? null;
  const [acme, portal, mails, northwind, copies] = await Promise.all([
    orNull(desks.acme.ticket(String(ticket.id))),
    orNull(desks.acme.portal(String(ticket.id))),
    orNull(desks.acme.mails(String(ticket.id))),
    far === null ? null : orNull(desks.northwind.ticket(far)),
    far === null ? 0 : orNull(desks.northwind.mirrorsOf(String(ticket.id))),
  ]);
  return { acme, portal, mails: mails ?? [], northwind, copies: copies ?? 0 };
}

async function orNull<T>(reading: Promise<T>): Promise<T | null> {
  try {
    return await reading;
  } catch {
    return null;
  }
}

/**
 * Prepares an action to leave its desk on one mirror, or says why it must not. Pure and total; it runs at delivery
 * time, so that a replay uses today's settings. Nothing leaves unless the outbound settings name it or somebody chose
 * to send it.
 */
import { quoted } from '#core/text/quoted.ts';
import { sanitise } from '#core/text/html.ts';
import { sameName } from '#core/words/names.ts';
import { optIn } from '#core/rules/opt-in.ts';
import { reason } from '#core/words/reasons.ts';
import type { Outbound, SideSettings } from '#core/rules/settings.ts';
import { renderTemplate, type ThreadEntry } from '#core/text/template.ts';
import type {
  Action,
  Attachment,
  CatalogueKind,
  FieldValue,
  Person,
  Reason,
  SideName,
  TicketSnapshot,
  Visibility,
  Words,
} from '#core/words/vocabulary.ts';

export type SendInput = {
  /** With the audience that route() determined. */
  readonly action: Action;
  /** How the note shows in its own desk; only for actions observed here. */
  readonly visibility?: Visibility | undefined;
  /** The sending desk's side. */
  readonly side: SideName;
  readonly outbound: Outbound;
  /** The sending ticket as last read. */
  readonly snapshot: TicketSnapshot | null;
  /** This action opens the mirror, or is a second attempt to open it. */
  readonly escalation: boolean;
  /** The action's kind in the sending desk's catalogue. */
  readonly catalogueKind?: CatalogueKind | undefined;
  /** Display name of the sending instance. */
  readonly senderName: string;
  /** The action was applied here from another desk and is being relayed: sending it was decided already. */
  readonly relayed: boolean;
  /** Public entries of the sending ticket before this action, oldest first. */
  readonly publicThread: readonly ThreadEntry[];
  /** Inline images and files referenced by the description or the thread. */
  readonly threadAttachments?: readonly Attachment[] | undefined;
  /** The sending side's account settings. At the supplier, a ticket that has left the account is held. */
  readonly account?: SideSettings['account'] | undefined;
};

/** What crosses to the other side. Plain JSON. */
export type Outgoing = {
  readonly action: Action;
  /** The sending ticket's summary; only with an escalation. */
  readonly summary?: string;
  /** The end user, as far as the outbound settings disclose them; only with an escalation. */
  readonly requester?: { readonly name: string; readonly email?: string };
  /** The sending desk mailed somebody about this action. */
  readonly mailed: boolean;
  readonly drops: readonly Reason[];
};

export type SendResult =
  | { readonly kind: 'send'; readonly outgoing: Outgoing }
  | { readonly kind: 'skip' | 'hold'; readonly reason: Reason };

/** Name shown for an end user whose identity the settings hide. */
export const hiddenUserName = 'End user';

export function send(input: SendInput): SendResult {
  const stop = whyNot(input);
  if (stop !== null) return stop;
  return { kind: 'send', outgoing: input.escalation ? escalation(input) : ordinary(input) };
}

function whyNot(input: SendInput): SendResult | null {
  const { action, side, escalation: opens, relayed, snapshot, account } = input;
  if (!opens && !relayed) {
    const chosen = optIn(action, side, input.outbound);
    if (chosen !== 'sent') return { kind: 'skip', reason: reason(chosen, { name: action.words.kind ?? undefined }) };
  }
  if (!opens && input.side === 'supplier' && input.visibility === 'hidden') {
    return { kind: 'skip', reason: reason('hidden', { desk: input.senderName }) };
  }
  if (!opens && action.audience === 'team' && (hasContent(action) || input.visibility !== 'unknown')) {
    return { kind: 'skip', reason: reason(side === 'supplier' ? 'hidden' : 'team-only', { desk: input.senderName }) };
  }
  if (side === 'supplier' && account !== undefined && isElsewhere(snapshot, account)) {
    const found = { desk: input.senderName, account: snapshot?.account ?? undefined, expected: account.name };
    return { kind: 'hold', reason: reason('wrong-account', found) };
  }
  return null;
}

/**
 * Tells whether the action has a note or files. Only those have an audience: a bare change of status or fields hides
 * nothing.
 */
export function hasContent(action: Pick<Action, 'note' | 'attachments'>): boolean {
  return action.note !== null || action.attachments.length > 0;
}

export function isElsewhere(snapshot: TicketSnapshot | null, account: SideSettings['account']): boolean {
  const found = snapshot?.account ?? null;
  return found !== null && !sameName(found, account.name);
}

function ordinary(input: SendInput): Outgoing {
  const { action, outbound, relayed } = input;
  const files = carriedFiles(outbound, action.attachments);
  const quote = action.note === null || relayed ? null : quoted(action.note, outbound.quoted);
  const note = withoutImages(quote === null ? action.note : quote.html, files);
  return {
    action: { ...action, author: asDisclosed(input), note, attachments: files.kept },
    mailed: hasMailed(input),
    drops: [...files.drops, ...(quote?.dropped === true ? [reason('quoted-dropped')] : [])],
  };
}

/**
 * Sends the ticket along: summary, status, category, type, priority, every field, and the note built from its template.
 */
function escalation(input: SendInput): Outgoing {
  const { action, outbound, snapshot } = input;
  const own = ordinary(input);
  const secret = action.audience === 'team' && action.note !== null;
  const requester = disclosedRequester(outbound, snapshot?.requester ?? null);
  const described = outbound.includes.description ? (snapshot?.description ?? '') : '';
  const ownFiles = action.audience === 'team' ? [] : action.attachments;
  const ownIds = new Set(ownFiles.map(({ id }) => id));
  const files = carriedFiles(outbound, [
    ...ownFiles,
    ...(input.threadAttachments ?? []).filter(({ id }) => !ownIds.has(id)),
  ]);
  const rendered = renderTemplate(templateFor(outbound, action.words.kind), {
    note: secret ? '' : (own.action.note ?? ''),
    // When a ticket is escalated as it is created, its note is its description.
    description: !secret && action.note === described ? '' : described,
    thread: outbound.includes.publicThread ? disclosedThread(input) : [],
    summary: snapshot?.summary ?? '',
    number: snapshot?.number ?? '',
    url: snapshot?.url ?? '',
    agent: own.action.author.name,
    requester: requester === null ? '' : requesterText(requester),
  });
  return {
    action: {
      ...own.action,
      words: { ...(snapshot === null ? {} : snapshotWords(snapshot)), ...definedWords(action.words, snapshot) },
      note: rendered.html === '' ? null : withoutImages(rendered.html, files),
      // Whatever an escalation says is meant for the other desk's agents.
      audience: action.audience === 'team' ? 'desks' : action.audience,
      attachments: files.kept,
    },
    ...(snapshot === null ? {} : { summary: snapshot.summary }),
    ...(requester === null ? {} : { requester }),
    mailed: own.mailed,
    drops: [...files.drops, ...own.drops.filter(isNoFile), ...(secret ? [reason('team-only')] : []), ...rendered.drops],
  };
}

function isNoFile({ code }: Reason): boolean {
  return code !== 'attachment-off';
}

type Files = { readonly kept: readonly Attachment[]; readonly drops: readonly Reason[] };

function carriedFiles(outbound: Outbound, files: readonly Attachment[]): Files {
  if (outbound.attachments) return { kept: files, drops: [] };
  return { kept: [], drops: files.map((file) => reason('attachment-off', { name: file.name })) };
}

/** Replaces inline images with placeholders if their files are not sent. */
function withoutImages(note: string | null, files: Files): string | null {
  return note === null || files.drops.length === 0 ? note : sanitise(note, { images: new Set() });
}

function hasMailed({ action, catalogueKind }: SendInput): boolean {
  return action.mailed ?? (action.author.role === 'agent' && catalogueKind?.mails === true);
}

/** Hides an end user's identity in their own reply, except for what `requester` discloses. */
function asDisclosed({ action, side, outbound, relayed }: SendInput): Person {
  if (relayed || side !== 'customer' || action.author.role !== 'user') return action.author;
  const known = disclosedRequester(outbound, action.author);
  return known === null ? { name: hiddenUserName, role: 'user' } : { ...known, role: 'user' };
}

function disclosedRequester(
  outbound: Outbound,
  requester: Person | null,
): { readonly name: string; readonly email?: string } | null {
  if (requester === null || outbound.requester === 'hidden') return null;
  const { name, email } = requester;
  return outbound.requester === 'name+email' && email !== undefined ? { name, email } : { name };
}

function requesterText({ name, email }: { readonly name: string; readonly email?: string }): string {
  return email === undefined ? name : `${name} <${email}>`;
}

function disclosedThread({ outbound, snapshot, publicThread }: SendInput): readonly ThreadEntry[] {
  const user = snapshot?.requester ?? null;
  if (user === null || outbound.requester !== 'hidden') return publicThread;
  return publicThread.map((entry) =>
    sameName(entry.author, user.name) ? { ...entry, author: hiddenUserName } : entry,
  );
}

function templateFor(outbound: Outbound, kind: string | null): string | null {
  const own = kind === null ? undefined : outbound.templates.find((row) => sameName(row.kind, kind));
  return (own ?? outbound.templates.find((row) => row.kind === '*'))?.template ?? null;
}

function snapshotWords({ status, category, type, priority, summary }: TicketSnapshot): Omit<Words, 'kind' | 'fields'> {
  return { status, category, type, priority, summary };
}

/** The action's own words are at least as new as the snapshot's. */
function definedWords(words: Words, snapshot: TicketSnapshot | null): Words {
  const fields: Record<string, FieldValue> = { ...snapshot?.fields, ...words.fields };
  return { ...words, fields };
}

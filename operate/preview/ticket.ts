/**
 * What the far side would do with a ticket's real actions, by today's settings or by those of a file that is not applied
 * yet. Of a mirrored ticket both lanes; of one that is not, what would escalate it and what would follow.
 */
import { HelpdeskError } from '#connectors/contract/errors.ts';
import { describeCondition } from '#core/rules/criteria.ts';
import { otherSide } from '#core/words/ends.ts';
import { isRemote } from '#core/words/reach.ts';
import { must } from '#core/words/must.ts';
import { ticketRef } from '#core/words/ref.ts';
import { sideNames, type Ref, type SideName } from '#core/words/vocabulary.ts';
import { deliveriesOn, mirrorsOn, type PreviewedDelivery } from '#db/operate/preview.ts';
import { findTicket } from '#db/operate/trace.ts';
import { loadFederation, type StoredFederation } from '#db/settings/settings.ts';
import { isSame } from '#operate/apply/canonical.ts';
import { linkOf } from '#operate/known.ts';
import type { AsIf, PreviewOperator } from '#operate/operator.ts';
import { Refused } from '#operate/refused.ts';
import { allow } from '#operate/rights.ts';
import { asThen } from './as-then.ts';
import { describe, previewedOf, shownOf, type PreviewEntry, type ShownWould } from './entry.ts';
import { imagine, type Imagined, type UnmirroredEnd } from './unmirrored.ts';

export type TicketPreview = {
  readonly link: string;
  readonly instance: string;
  readonly ticket: string;
  /** False: as if the link had been there from its first action on. */
  readonly mirrored: boolean;
  /** What escalates, for people; null where the ticket is mirrored, or where one of its actions does. */
  readonly wouldEscalate: string | null;
  /** In the order of their times; `by`: as it is without the file, where that is otherwise. */
  readonly entries: readonly (PreviewEntry & { readonly before?: ShownWould })[];
  /** Older actions that are not shown. */
  readonly left: boolean;
};

export type TicketQuestion = {
  readonly link: string;
  /** Its id or number. */
  readonly ticket: string;
  /** Whose ticket it is; absent: the customer's, else the supplier's. */
  readonly side?: SideName | undefined;
  /** With the texts of notes. */
  readonly notes?: boolean | undefined;
  /** Settings that are not applied yet. */
  readonly asIf?: AsIf | undefined;
};

const mostActions = 500;
const readMs = 60_000;

/** @throws Refused unknown-link, unknown-ticket, desk-unreachable */
export async function previewTicket(operator: PreviewOperator, question: TicketQuestion): Promise<TicketPreview> {
  allow(operator, 'preview', question);
  const { db } = operator;
  const { link, notes = false, asIf } = question;
  await linkOf(operator, link);
  const federation = await loadFederation(db);
  const at = await ticketOn(operator, question, federation);
  const signal = AbortSignal.timeout(readMs);
  const judge = (one: Parameters<PreviewOperator['wouldOf']>[0], then: boolean, as?: AsIf) =>
    operator.wouldOf(one, { asThen: then, signal, ...(as === undefined ? {} : { asIf: as }) });
  const entryOf = async (
    head: Omit<PreviewEntry, 'would'>,
    context: PreviewedDelivery['context'],
    then: boolean,
  ): Promise<TicketPreview['entries'][number]> => {
    const would = await judge(context, then, asIf);
    if (asIf === undefined) return { ...head, would: shownOf(would, notes) };
    const before = await judge(context, then);
    return {
      ...head,
      would: shownOf(would, notes),
      ...(isSame(before, would) ? {} : { before: shownOf(before, notes) }),
    };
  };
  const entries: TicketPreview['entries'][number][] = [];
  if (at.mirrors.length > 0) {
    const found = await deliveriesOn(db, at.mirrors, mostActions + 1);
    for (const one of found.slice(-mostActions)) {
      const isOver = one.outcome !== null;
      entries.push(await entryOf(previewedOf(one), isOver ? asThen(one.context) : one.context, isOver));
    }
    const left = found.length > mostActions;
    return {
      link,
      instance: at.ref.instance,
      ticket: at.ref.externalId,
      mirrored: true,
      wouldEscalate: null,
      entries,
      left,
    };
  }
  const { imagined, escalates } = await imaginedOf(operator, at, question, federation, signal);
  for (const one of imagined.slice(-mostActions)) {
    if (one.kind === 'carried') {
      entries.push(await entryOf({ ...describe(one.context), delivery: null, ended: null }, one.context, true));
      continue;
    }
    const { action, reason } = one;
    entries.push({
      ...{ at: action.at, action: action.externalId, delivery: null, link, kind: action.words.kind },
      ...{ escalation: false, ended: null, would: { verdict: 'skip', reason } },
      from: { instance: at.ref.instance, ticket: at.ref.externalId },
      to: { instance: at.far, ticket: null },
    });
  }
  const isOpened = imagined.some(({ kind }) => kind === 'carried');
  return {
    ...{ link, instance: at.ref.instance, ticket: at.ref.externalId, mirrored: false, entries },
    wouldEscalate: isOpened ? null : escalates,
    left: imagined.length > mostActions,
  };
}

type At = {
  readonly side: SideName;
  readonly ref: Ref;
  readonly mirrors: readonly string[];
  /** The instance at the other end. */
  readonly far: string;
};

/** The ticket that is meant: one that is mirrored on this link first. */
async function ticketOn(
  { db }: Pick<PreviewOperator, 'db'>,
  { link, ticket, side }: TicketQuestion,
  { sides }: StoredFederation,
): Promise<At> {
  const instanceOf = (name: SideName): string =>
    must(sides.get(`${link}/${name}`), `the side ${name} of ${link}`).instance;
  const asked = side === undefined ? sideNames : [side];
  const found: At[] = [];
  for (const name of asked) {
    const instance = instanceOf(name);
    const ref = (await findTicket(db, instance, ticket)) ?? ticketRef(instance, ticket.replace(/^#/, ''));
    const mirrors = await mirrorsOn(db, link, ref);
    found.push({ side: name, ref, mirrors, far: instanceOf(otherSide(name)) });
  }
  return must(found.find(({ mirrors }) => mirrors.length > 0) ?? found[0], 'a side');
}

/** Read from its desk now: of a ticket without a mirror nothing is kept here. */
async function imaginedOf(
  operator: Pick<PreviewOperator, 'readTicket'>,
  { side, ref }: At,
  { link, ticket, asIf }: TicketQuestion,
  federation: StoredFederation,
  signal: AbortSignal,
): Promise<{ readonly imagined: readonly Imagined[]; readonly escalates: string }> {
  const customer = endOf(federation, link, 'customer');
  const supplier = endOf(federation, link, 'supplier');
  if (side === 'supplier')
    throw unknown(
      `${ref.instance} ${ticket} is not mirrored on ${link}; a ticket there is opened by one of ${customer.instance}, so preview that one`,
    );
  if (isRemote(customer.type))
    throw unknown(
      `no ticket "${ticket}" is mirrored on ${link}, and what is not mirrored can be previewed where its desk is driven only`,
    );
  const { outbound } =
    asIf?.sides.get(`${link}/customer`) ?? must(federation.sides.get(`${link}/customer`), 'the customer').settings;
  const reading = await operator.readTicket(ref.instance, ref.externalId, signal).catch((error: unknown) => {
    if (!(error instanceof HelpdeskError)) throw error;
    throw new Refused(
      'desk-unreachable',
      'unavailable',
      `${ref.instance} could not be asked for its ticket ${ticket}: ${error.message}`,
    );
  });
  if (reading === null) throw unknown(`${ref.instance} shows no ticket "${ticket}"; write its id as the desk has it`);
  const { escalates } = outbound;
  return {
    imagined: imagine({ link, customer, supplier, outbound }, reading.snapshot, reading.actions),
    escalates: escalates === undefined ? 'nothing escalates on this link' : describeCondition(escalates),
  };
}

function endOf({ sides, instances }: StoredFederation, link: string, name: SideName): UnmirroredEnd {
  const { instance, version } = must(sides.get(`${link}/${name}`), `the side ${name} of ${link}`);
  const { name: shown, type, catalogueVersion } = must(instances.get(instance), `the instance ${instance}`);
  return { instance, name: shown, type, settings: version, catalogue: catalogueVersion };
}

function unknown(text: string): Refused {
  return new Refused('unknown-ticket', 'unknown', text);
}

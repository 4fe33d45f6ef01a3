/**
 * Finds the mirrors that an action concerns, or whether it opens one. Called once, when the action is logged. send.ts
 * decides later, at delivery time and by the settings of that moment, whether the action really leaves.
 */
import { audienceOf, narrower } from '#core/rules/audience.ts';
import { matches } from '#core/rules/criteria.ts';
import { takesReplies } from './mirror-life.ts';
import type { MirrorView } from '#core/words/mirror.ts';
import { findName } from '#core/words/names.ts';
import { optIn } from '#core/rules/opt-in.ts';
import { reason } from '#core/words/reasons.ts';
import type { Outbound } from '#core/rules/settings.ts';
import type {
  Audience,
  LinkMode,
  Person,
  Reason,
  SendTo,
  SideName,
  Visibility,
  Words,
} from '#core/words/vocabulary.ts';

export type RouteAction = {
  readonly words: Words;
  readonly sendTo?: SendTo | undefined;
  readonly visibility: Visibility;
  readonly author: Person;
  readonly automated?: boolean | undefined;
};

/** A link on which the instance is the customer, so an action may open a ticket at its supplier. */
export type Opening = {
  readonly link: string;
  readonly linkName: string;
  readonly supplierInstance: string;
  readonly outbound: Outbound;
  readonly mode: LinkMode;
};

export type RouteInput = {
  readonly action: RouteAction;
  /** The instance in which it was observed. */
  readonly instance: string;
  /** Every mirror of this ticket, seen from it. */
  readonly mirrors: readonly MirrorView[];
  readonly openings: readonly Opening[];
  /** Outbound settings of this ticket's side, by mirror id. */
  readonly outboundOf: Readonly<Record<string, Outbound>>;
  /** Instant, UTC. */
  readonly now: string;
};

export type RouteDelivery = {
  readonly mirror: string;
  /**
   * The ticket is escalated on a link where it already has a live mirror: decide() refuses it as `already-escalated`.
   */
  readonly again?: boolean;
};

export type Route = {
  readonly deliveries: readonly RouteDelivery[];
  readonly opens: { readonly link: string } | null;
  /** Why nothing is delivered; null if something is. */
  readonly reason: Reason | null;
  readonly audience: Audience;
};

export function route(input: RouteInput): Route {
  const escalations = input.openings.filter(
    ({ outbound }) => outbound.escalates !== undefined && matches(outbound.escalates, input.action),
  );
  const [escalation] = escalations;
  if (escalation !== undefined) {
    if (escalations.length > 1) return nowhere(ambiguous(escalations.map((one) => one.linkName)));
    return escalate(input, escalation);
  }
  return follow(input);
}

function escalate({ action, mirrors }: RouteInput, { link }: Opening): Route {
  const live = mirrors.find(
    (mirror) =>
      mirror.link === link && mirror.side === 'customer' && (mirror.state === 'opening' || mirror.state === 'open'),
  );
  const audience = audienceOf(action.visibility, 'customer', true);
  if (live === undefined) return { deliveries: [], opens: { link }, reason: null, audience };
  return { deliveries: [{ mirror: live.id, again: true }], opens: null, reason: null, audience };
}

function follow(input: RouteInput): Route {
  const candidates = candidateMirrors(input);
  const [only] = candidates;
  if (only === undefined) return nowhere(whyNone(input.mirrors));
  if (candidates.length === 1) return deliver(input, candidates);
  const addressed = addressedMirrors(input, candidates);
  if (addressed.length > 0) return deliver(input, addressed);
  return nowhere(whyNotAddressed(input, candidates));
}

/**
 * Returns the mirrors that still take replies; if there are none, the one that no longer does, so that the far side's
 * refusal reaches the agent. Several of those would only repeat it.
 */
function candidateMirrors({ mirrors, now }: RouteInput): readonly MirrorView[] {
  const taking = mirrors.filter((mirror) => takesReplies(mirror, now));
  if (taking.length > 0) return taking;
  const over = mirrors.filter((mirror) => mirror.state === 'closed' && mirror.closeReason !== 'shadow-ended');
  return over.length === 1 ? over : [];
}

/**
 * Selects mirrors by the choice made for this action, else by the kinds that the outbound settings name, else (for an
 * end user's own reply) the desks this one is a customer of. If the chosen role fits several desks, the kind narrows
 * it.
 */
function addressedMirrors(input: RouteInput, candidates: readonly MirrorView[]): readonly MirrorView[] {
  const { action } = input;
  const opted = candidates.filter((mirror) => optsIn(input, mirror));
  const named = opted.filter((mirror) => namesKind(input, mirror));
  const chosen = action.sendTo === 'supplier' || action.sendTo === 'customer';
  const addressed = chosen && opted.length > 1 ? named : opted;
  if (action.visibility === 'visible') return addressed;
  // At the supplier a hidden note is for its own team, so it can only be meant for the desks this one is a customer of.
  const outward = addressed.filter((mirror) => mirror.side === 'customer');
  return outward.length > 0 ? outward : addressed;
}

function optsIn({ action, outboundOf }: RouteInput, mirror: MirrorView): boolean {
  const outbound = outboundFor(outboundOf, mirror.id);
  return outbound !== undefined && optIn(action, mirror.side, outbound) === 'sent';
}

function namesKind({ action, outboundOf }: RouteInput, mirror: MirrorView): boolean {
  const { kind } = action.words;
  const outbound = outboundFor(outboundOf, mirror.id);
  return kind !== null && outbound !== undefined && findName(outbound.actions, kind) !== undefined;
}

function outboundFor(outboundOf: RouteInput['outboundOf'], mirror: string): Outbound | undefined {
  return Object.hasOwn(outboundOf, mirror) ? outboundOf[mirror] : undefined;
}

function deliver(input: RouteInput, mirrors: readonly MirrorView[]): Route {
  const audience = mirrors
    .map((mirror) => audienceOf(input.action.visibility, mirror.side, optsIn(input, mirror)))
    .reduce(narrower);
  return { deliveries: mirrors.map(({ id }) => ({ mirror: id })), opens: null, reason: null, audience };
}

function nowhere(why: Reason): Route {
  return { deliveries: [], opens: null, reason: why, audience: 'team' };
}

function whyNone(mirrors: readonly MirrorView[]): Reason {
  if (mirrors.some(({ state }) => state === 'closed')) return reason('closed', { desk: deskOf(mirrors, 'closed') });
  if (mirrors.some(({ state }) => state === 'refused'))
    return reason('not-opened', { desk: deskOf(mirrors, 'refused') });
  return reason('no-mirror');
}

function deskOf(mirrors: readonly MirrorView[], state: MirrorView['state']): string | undefined {
  const mirror = mirrors.findLast((one) => one.state === state);
  return mirror === undefined ? undefined : farName(mirror);
}

function whyNotAddressed(input: RouteInput, candidates: readonly MirrorView[]): Reason {
  if (input.action.sendTo === 'none') return reason('not-sent', { name: input.action.words.kind ?? undefined });
  const answers = candidates.map((mirror) => {
    const outbound = outboundFor(input.outboundOf, mirror.id);
    return outbound === undefined ? 'not-sent' : optIn(input.action, mirror.side, outbound);
  });
  if (answers.every((answer) => answer === 'user-reply-off')) return reason('user-reply-off');
  return ambiguous(candidates.map(farName));
}

function ambiguous(names: readonly string[]): Reason {
  return reason('no-target', { detail: names.join(', ') });
}

function farName(mirror: MirrorView): string {
  const far: Readonly<Record<SideName, SideName>> = { customer: 'supplier', supplier: 'customer' };
  return mirror[far[mirror.side]].name;
}

/**
 * A ticket that is not mirrored, as if the link had been there when its first action was made: what of it would escalate
 * it, and what would follow. Pure; deciding is left to the code that carries.
 */
import { route } from '#core/log/route.ts';
import type { Ends } from '#core/words/ends.ts';
import { must } from '#core/words/must.ts';
import type { ObservedAction } from '#core/words/desk.ts';
import type { SideSettings } from '#core/rules/settings.ts';
import type { Audience, Reason, TicketSnapshot } from '#core/words/vocabulary.ts';
import { fromTheBeginning } from '#core/log/position.ts';
import { endsOf } from '#db/base/places.ts';
import type { DeliveryContext, End } from '#db/carry/delivery-context.ts';
import { viewOf, type Mirror } from '#db/log/mirrors.ts';

export type Joined = {
  readonly link: string;
  readonly customer: UnmirroredEnd;
  readonly supplier: UnmirroredEnd;
  /** The customer's. */
  readonly outbound: SideSettings['outbound'];
};

export type UnmirroredEnd = Pick<End, 'instance' | 'name' | 'type' | 'settings' | 'catalogue'>;

export type Imagined =
  | { readonly kind: 'carried'; readonly context: DeliveryContext }
  /** It goes nowhere. */
  | { readonly kind: 'stays'; readonly action: ObservedAction; readonly reason: Reason };

/** No mirror has it: time-ordered ids begin with a time. */
const nobodys = '00000000-0000-0000-0000-000000000000';

/** What Ferry itself wrote there is left out. */
export function imagine(
  { link, customer, supplier, outbound }: Joined,
  snapshot: TicketSnapshot,
  actions: readonly ObservedAction[],
): readonly Imagined[] {
  let isOpen = false;
  return actions
    .filter(({ author }) => author.role !== 'service')
    .map((action): Imagined => {
      const mirror = mirrorOf(link, endOf('customer', customer, snapshot), endOf('supplier', supplier, null), isOpen);
      const found = route({
        action,
        instance: customer.instance,
        mirrors: isOpen ? [viewOf(mirror, 'customer')] : [],
        openings: [{ link, linkName: supplier.name, supplierInstance: supplier.instance, outbound, mode: 'live' }],
        outboundOf: { [nobodys]: outbound },
        now: action.at,
      });
      const opens = found.opens !== null;
      const [delivery] = found.deliveries;
      if (!opens && delivery === undefined) {
        return { kind: 'stays', action, reason: must(found.reason, 'why it goes nowhere') };
      }
      isOpen = true;
      const again = delivery?.again === true;
      return {
        kind: 'carried',
        context: contextOf(mirror, action, snapshot, {
          ...{ audience: found.audience, opens, again },
          catalogues: { customer: customer.catalogue, supplier: supplier.catalogue },
        }),
      };
    });
}

function endOf(
  side: 'customer' | 'supplier',
  { instance, name, type, settings }: UnmirroredEnd,
  snapshot: TicketSnapshot | null,
): Mirror['ends']['supplier'] {
  return {
    ...{ side, instance, name, type, settings, entity: 'ticket' },
    ticketId: snapshot?.ticketId ?? null,
    number: snapshot?.number ?? null,
    url: snapshot?.url ?? null,
  };
}

function mirrorOf(
  link: string,
  customer: Mirror['ends']['supplier'],
  supplier: Mirror['ends']['supplier'],
  isOpen: boolean,
): Mirror {
  return {
    ...{ id: nobodys, said: nobodys, openedBy: nobodys, link, state: isOpen ? 'open' : 'opening', shadow: false },
    ...{ closeReason: null, closedAt: null, paused: false, turns: [], mode: 'live', linkState: 'active' },
    ...{ quarantined: false, superseded: false, resumedAt: null },
    ends: endsOf({ ...customer, ticketId: customer.ticketId ?? '' }, supplier),
  };
}

type Found = {
  readonly audience: Audience;
  readonly opens: boolean;
  readonly again: boolean;
  readonly catalogues: Ends<number>;
};

function contextOf(
  mirror: Mirror,
  action: ObservedAction,
  snapshot: TicketSnapshot,
  { audience, opens, again, catalogues }: Found,
): DeliveryContext {
  const { customer, supplier } = mirror.ends;
  const known = { readFrom: fromTheBeginning, readAt: null };
  const { externalId, at, author, visibility, sendTo = null, mailed = null, note, words, attachments } = action;
  return {
    delivery: {
      ...{ id: nobodys, to: supplier.instance, seq: 1, kind: 'action', escalation: opens || again, receipt: null },
      ...{
        words: null,
        via: null,
        attempts: 0,
        firstTriedAt: null,
        heldAt: null,
        heldMs: null,
        releasedAt: null,
        quiet: false,
      },
      ...{ hasWrites: false, behindEscalation: !opens, constant: null, sent: null, acceptedAt: null, nth: null },
    },
    action: {
      ...{ id: nobodys, said: nobodys, instance: customer.instance, ticket: snapshot.ticketId, externalId },
      ...{ origin: customer.instance, at, loggedAt: at, author, audience, visibility, sendTo, mailed, note, words },
      ...{ attachments, hash: '', mark: null, via: [customer.instance], trace: null, signed: null, signature: null },
      ...{ opening: null, drops: null },
    },
    mirror,
    from: { ...customer, ...known, snapshot, catalogue: catalogues.customer },
    to: { ...supplier, ...known, snapshot: null, catalogue: catalogues.supplier },
    now: at,
  };
}

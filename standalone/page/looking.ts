/** Where the page looks: the log, both desks, instances and links. What was looked at a moment ago is not asked again. */
import type { Client } from '#db/base/client.ts';
import { settingsInForce } from '#db/settings/settings.ts';
import type { Operator } from '#operate/operator.ts';
import { status } from '#operate/status/status.ts';
import type { DeskAction, PageDesk } from './desks.ts';
import type { TroubleSeen } from './html-trouble.ts';
import type { DeskName } from './plug.ts';
import { readDesks, readLog, type Desks, type DemoTicket, type View } from './view.ts';

export type LookingDeps = {
  readonly db: Client;
  readonly link: string;
  readonly desks: { readonly acme: PageDesk; readonly northwind: PageDesk };
  readonly operator: Operator;
  /** The desks are asked each time: the worker is unplugged, so the log does not tell what is new there. */
  isWatched(): boolean;
};

export type Looked = Pick<View, 'mirror' | 'rows'> & { readonly desks: Desks };

export type Looking = {
  at(ticket: DemoTicket): Promise<Looked>;
  trouble(): Promise<TroubleSeen>;
  /** Of what was looked at before a reset. */
  forget(): void;
};

/** How long what was read of the desks counts, while the log says nothing new. */
const desksForMs = 1_500;
const troubleForMs = 2_000;

export function createLooking({ db, link, desks: asked, operator, isWatched }: LookingDeps): Looking {
  let desksRead: { readonly key: string; readonly at: number; readonly desks: Desks } | null = null;
  let troubleRead: { readonly at: number; readonly seen: TroubleSeen } | null = null;
  return {
    async at(ticket) {
      const log = await readLog(db, link, ticket);
      const key = JSON.stringify([ticket.id, log]);
      const isFresh = desksRead !== null && desksRead.key === key && performance.now() - desksRead.at < desksForMs;
      if (!isFresh || isWatched() || desksRead === null)
        desksRead = { key, at: performance.now(), desks: await readDesks(asked, ticket, log.mirror) };
      return { ...log, desks: desksRead.desks };
    },
    async trouble() {
      if (troubleRead === null || performance.now() - troubleRead.at > troubleForMs) {
        const { instances, links } = await status(operator);
        troubleRead = { at: performance.now(), seen: { instances, links } };
      }
      return troubleRead.seen;
    },
    forget() {
      desksRead = null;
    },
  };
}

/** Whether the link carries what an action says, by the settings that were read last. */
export type SentKinds = {
  read(): Promise<void>;
  has(desk: DeskName, action: DeskAction): boolean;
};

export function createSentKinds(db: Client, link: string): SentKinds {
  let kinds: Readonly<Record<DeskName, ReadonlySet<string>>> = { acme: new Set(), northwind: new Set() };
  return {
    async read() {
      const [customer, supplier] = await Promise.all([
        settingsInForce(db, `${link}/customer`),
        settingsInForce(db, `${link}/supplier`),
      ]);
      kinds = {
        acme: new Set(customer?.settings.outbound.actions),
        northwind: new Set(supplier?.settings.outbound.actions),
      };
    },
    has: (desk, action) => kinds[desk].has(action.outcome) || (desk === 'acme' && action.actionby_user_id > 0),
  };
}

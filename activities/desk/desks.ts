/** Creates the connectors of the instances and keeps each until its instance changes. */
import { type ConnectorContext, type Helpdesk } from '#connectors/contract/helpdesk.ts';
import { startClock } from '#connectors/contract/not-after.ts';
import type { HttpClient } from '#connectors/contract/http.ts';
import { HelpdeskError } from '#connectors/contract/errors.ts';
import type { InstanceType } from '#core/words/vocabulary.ts';
import type { Db } from '#db/base/client.ts';
import { createInstanceReader, type InstanceRow } from '#db/settings/instances.ts';
import { checkDesk } from './which-desk.ts';
import { createBudget, type Budget } from './budget.ts';
import type { Clocks } from './clocks.ts';
import type { DrivenDesk, Desks } from '#activities/deps.ts';
import { createLearning } from './learning.ts';
import { createRetryAfter } from './retry-after.ts';

export type DesksDeps = {
  readonly db: Db;
  readonly http: HttpClient;
  /** Throws if the key is missing or the secret was tampered with. */
  openSecret(sealed: string, context: string): Promise<string>;
  /** Loads the connector for the type. */
  createHelpdesk(type: InstanceType, context: ConnectorContext): Promise<Helpdesk>;
  readonly clocks?: Clocks;
  /** Reports what a connector had to leave out of a reply. */
  notice?(instance: string, code: string, text: string): void;
};

/** An instance's row is read again after this long, so that changes take effect within it. Milliseconds. */
const freshMs = 1_000;

/** How often to ask the helpdesk at an address which one it is. Milliseconds. */
const askAgainMs = 60_000;

/** `asked`: time since it was asked which helpdesk it is. */
type Kept = { readonly version: number; readonly desk: DrivenDesk; readonly asked: () => number };

export function createDesks(deps: DesksDeps): Desks {
  const load = createInstanceReader(deps.db);
  const kept = new Map<string, Kept>();
  const ages = new Map<string, () => number>();
  const making = new Map<string, Promise<DrivenDesk>>();
  const doubted = new Set<string>();

  /** Keeps a desk only if it is the right one. */
  const ask = async (row: InstanceRow, one: Kept): Promise<void> => {
    const asked = startClock();
    kept.delete(row.id);
    await checkDesk(deps.db, row, one.desk.helpdesk);
    doubted.delete(row.id);
    kept.set(row.id, { ...one, asked });
  };

  const refresh = async (instance: string): Promise<DrivenDesk> => {
    const age = startClock();
    const row = await load(instance);
    if (row === null) throw new HelpdeskError('refused', 'unknown-instance', `There is no instance "${instance}".`);
    deps.clocks?.known(instance, row.clockOffsetMs);
    const known = kept.get(instance);
    if (known !== undefined && known.version === row.version) {
      if (known.asked() > askAgainMs || doubted.has(instance)) await ask(row, known);
      ages.set(instance, age);
      return known.desk;
    }
    const credentials = JSON.parse(await deps.openSecret(row.credentials, credentialsContext(instance))) as Record<
      string,
      string
    >;
    let budget: Budget | null = null;
    const { http, check } = createRetryAfter(deps.http, row.name);
    const helpdesk = await deps.createHelpdesk(row.type, {
      instance,
      url: row.url,
      credentials,
      options: row.options,
      learned: row.learned,
      http,
      learn: createLearning(deps.db, instance, row.learned),
      notice: (code, text) => deps.notice?.(instance, code, text),
      take: async (link, signal) => {
        check();
        await budget?.take(link, signal);
      },
    });
    const { rate } = helpdesk.traits;
    if (rate !== null) budget = createBudget(deps.db, instance, rate);
    const clock = deps.clocks?.of(instance);
    const desk: DrivenDesk = {
      ...{ instance, name: row.name, type: row.type, version: row.version, helpdesk },
      ...(clock === undefined ? {} : { clock }),
    };
    const made: Kept = { version: row.version, desk, asked: startClock() };
    await ask(row, made);
    ages.set(instance, age);
    return desk;
  };
  return {
    of(instance) {
      const known = kept.get(instance);
      if (known !== undefined && (ages.get(instance)?.() ?? Infinity) < freshMs) {
        return Promise.resolve(known.desk);
      }
      let under = making.get(instance);
      if (under === undefined) {
        under = refresh(instance).finally(() => making.delete(instance));
        making.set(instance, under);
      }
      return under;
    },
    doubt(instance) {
      doubted.add(instance);
      ages.delete(instance);
    },
  };
}

/** Returns the context that a sealed secret is bound to, so that one row's secret can't be moved to another. */
export function credentialsContext(instance: string): string {
  return `instances/${instance}/credentials`;
}

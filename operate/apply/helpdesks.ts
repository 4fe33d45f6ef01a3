/** Asks helpdesks what `ferry apply` needs to know, through connectors that the caller passes in. */
import type { ConnectorContext, Helpdesk } from '#connectors/contract/helpdesk.ts';
import type { HttpClient } from '#connectors/contract/http.ts';
import type { Manifest } from '#connectors/contract/manifest.ts';
import { askLiveFrom } from '#connectors/contract/go-live.ts';
import { HelpdeskError } from '#connectors/contract/errors.ts';
import { loadFederation } from '#db/settings/settings.ts';
import type { CheckOf, DeskOf, Helpdesks, Operator } from '#operate/operator.ts';
import { credentialsContext } from './types.ts';

/** connectors/index.ts has the real ones. */
export type Connectors = {
  readonly manifests: readonly Manifest[];
  /** Null for a type without a connector. */
  readonly manifestOf: (type: string) => Manifest | null;
  readonly createHelpdesk: (type: string, context: ConnectorContext) => Promise<Helpdesk>;
  readonly http: HttpClient;
};

export function helpdesksOf(connectors: Connectors): Helpdesks {
  const { manifests, manifestOf } = connectors;
  const helpdeskOf = deskOf(connectors);
  return {
    types: manifests.map(({ type }) => type),
    rulesOf: manifestOf,
    readCatalogue: async (target, signal) => (await helpdeskOf(target)).catalogue(signal),
    readIdentity: async (target, signal) => (await (await helpdeskOf(target)).identity?.(signal)) ?? null,
    async readTicket(target, ticketId, signal) {
      const reading = await (await helpdeskOf(target)).read(ticketId, new Date().toISOString(), signal);
      return reading.kind === 'ticket' ? reading.snapshot : null;
    },
    liveFrom: async (target, signal) => askLiveFrom(await helpdeskOf(target), signal),
  };
}

export function deskOf({ createHelpdesk, http }: Pick<Connectors, 'createHelpdesk' | 'http'>): DeskOf {
  return ({ id, type, url, credentials, options, learned }) =>
    createHelpdesk(type, {
      instance: id,
      url,
      credentials,
      options,
      learned,
      http,
      // These few requests have no shared budget, because perhaps no worker is running.
      take: () => Promise.resolve(),
    });
}

/** A helpdesk by its instance's id, as it is stored; made once. */
export type StoredDesk = {
  readonly instance: string;
  readonly name: string;
  readonly type: string;
  readonly version: number;
  readonly helpdesk: Helpdesk;
};

/** What is returned throws HelpdeskError where it can't be made. */
export function desksOf(
  { db, open }: Pick<Operator, 'db' | 'open'>,
  helpdeskOf: DeskOf,
): (instance: string) => Promise<StoredDesk> {
  const made = new Map<string, Promise<StoredDesk>>();
  const make = async (instance: string): Promise<StoredDesk> => {
    const stored = (await loadFederation(db)).instances.get(instance);
    if (stored === undefined)
      throw new HelpdeskError('refused', 'unknown-instance', `There is no instance "${instance}".`);
    const { name, type, version } = stored;
    const opened = await open(stored.credentials, credentialsContext(instance)).catch(() => {
      throw new HelpdeskError('auth', 'no-key', `The secrets of ${instance} can't be opened with the key given here.`);
    });
    const helpdesk = await helpdeskOf({ ...stored, credentials: JSON.parse(opened) as Record<string, string> });
    return { instance, name, type, version, helpdesk };
  };
  return (instance) => {
    const known = made.get(instance) ?? make(instance);
    made.set(instance, known);
    return known;
  };
}

export function checkOf({ manifestOf, http }: Pick<Connectors, 'manifestOf' | 'http'>): CheckOf {
  return async ({ id, type, url, credentials, options }, mapped, trial) => {
    const connector = await manifestOf(type)?.create();
    if (connector === undefined) return null;
    const context = { instance: id, url, credentials, options, http, take: (): Promise<void> => Promise.resolve() };
    const own = trial === null ? null : { ...trial, open: connector.createHelpdesk };
    return connector.createCheck(context, mapped, own);
  };
}

/** What applying a links file asks of helpdesks, through connectors that are passed in. */
import type { ConnectorContext, Helpdesk } from '#connectors/contract/helpdesk.ts';
import type { HttpClient } from '#connectors/contract/http.ts';
import type { Manifest } from '#connectors/contract/manifest.ts';
import type { CheckOf, Helpdesks } from '#operate/operator.ts';
import type { CatalogueTarget } from './types.ts';

/** connectors/index.ts has the real ones. */
export type Connectors = {
  readonly manifests: readonly Manifest[];
  /** Null for a type without a connector. */
  readonly manifestOf: (type: string) => Manifest | null;
  readonly createHelpdesk: (type: string, context: ConnectorContext) => Promise<Helpdesk>;
  readonly http: HttpClient;
};

export function helpdesksOf({ manifests, manifestOf, createHelpdesk, http }: Connectors): Helpdesks {
  const open = ({ id, type, url, credentials, options, learned }: CatalogueTarget): Promise<Helpdesk> =>
    createHelpdesk(type, {
      instance: id,
      url,
      credentials,
      options,
      learned,
      http,
      // A handful of requests, at a time when nobody else may be running to share a budget with.
      take: () => Promise.resolve(),
    });
  return {
    types: manifests.map(({ type }) => type),
    rulesOf: manifestOf,
    readCatalogue: async (target, signal) => (await open(target)).catalogue(signal),
    readIdentity: async (target, signal) => (await (await open(target)).identity?.(signal)) ?? null,
    async readTicket(target, ticketId, signal) {
      const reading = await (await open(target)).read(ticketId, new Date().toISOString(), signal);
      return reading.kind === 'ticket' ? reading.snapshot : null;
    },
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

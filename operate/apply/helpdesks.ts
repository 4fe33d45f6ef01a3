/** What applying a links file asks of helpdesks, through connectors that are passed in. */
import type { ConnectorContext, Helpdesk } from '#connectors/contract/helpdesk.ts';
import type { HttpClient } from '#connectors/contract/http.ts';
import type { InstanceType } from '#core/words/vocabulary.ts';
import type { Helpdesks } from '#operate/operator.ts';

export type Connectors = Omit<Helpdesks, 'readCatalogue'> & {
  /** connectors/index.ts has the real ones. */
  readonly createHelpdesk: (type: InstanceType, context: ConnectorContext) => Helpdesk | Promise<Helpdesk>;
  readonly http: HttpClient;
};

export function helpdesksOf({ createHelpdesk, http, ...known }: Connectors): Helpdesks {
  return {
    ...known,
    async readCatalogue({ id, type, url, credentials, options }, signal) {
      const helpdesk = await createHelpdesk(type, {
        instance: id,
        url,
        credentials,
        options,
        http,
        // A handful of requests, at a time when nobody else may be running to share a budget with.
        take: () => Promise.resolve(),
      });
      return helpdesk.catalogue(signal);
    },
  };
}

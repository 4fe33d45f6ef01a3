/** Asks a helpdesk through its connector what it offers. */
import { createHttpClient } from '#connectors/kit/http.ts';
import { createHelpdesk } from '#connectors/index.ts';
import type { Catalogue } from '#core/words/vocabulary.ts';
import type { CatalogueTarget } from '#operate/apply/types.ts';

export type CatalogueReader = {
  read(target: CatalogueTarget, signal: AbortSignal): Promise<Catalogue>;
  close(): Promise<void>;
};

/** @param allowAddresses CIDR ranges of private addresses that helpdesks may have */
export function createCatalogueReader(allowAddresses: readonly string[]): CatalogueReader {
  const http = createHttpClient({ allow: { http: 'private', privateAddresses: [...allowAddresses] } });
  return {
    async read({ id, type, url, credentials, options }, signal) {
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
    close: () => http.close(),
  };
}

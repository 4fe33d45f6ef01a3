/**
 * What a connector says of itself, so that nothing else has to know its product by name. Reading a manifest loads none
 * of the code that speaks to the helpdesk: a manifest imports its settings and its hints, and `create` loads the rest.
 */
import type { z } from 'zod';
import type { CreateCheck } from './check.ts';
import type { ConnectorContext, Helpdesk, HintOf } from './helpdesk.ts';

export type Manifest = {
  /** Name of the connector's folder, and the `type` of its instances in links files and tables. Never changes. */
  readonly type: string;
  /** The product's name, for people. */
  readonly label: string;
  /** What sorts of record it carries, in the product's own words. */
  readonly entities: readonly string[];
  /** Secrets of one instance: a text each. */
  readonly credentials: z.ZodObject;
  readonly options: z.ZodObject;
  readonly hintOf: HintOf;
  /** Page that says what to set up in the product. */
  readonly setup: `docs/connectors/${string}.md`;
  /** Loads the connector. */
  create(): Promise<ConnectorModule>;
};

/** What a connector's `index.ts` exports. */
export type ConnectorModule = {
  /** @throws HelpdeskError `refused` when credentials or options are not what the manifest says */
  createHelpdesk(context: ConnectorContext): Helpdesk;
  /** Probes for `ferry check`; throws as createHelpdesk does. */
  readonly createCheck: CreateCheck;
};

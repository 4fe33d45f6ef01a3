/** Request Tracker 5. */
import type { Manifest } from '#connectors/contract/manifest.ts';
import { hintOf } from './hint.ts';
import { credentialsSchema, optionsSchema } from './wire.ts';

export const manifest: Manifest = {
  type: 'rt',
  label: 'Request Tracker',
  entities: ['ticket'],
  credentials: credentialsSchema,
  options: optionsSchema,
  hintOf,
  setup: 'docs/connectors/rt.md',
  create: () => import('./index.ts'),
};

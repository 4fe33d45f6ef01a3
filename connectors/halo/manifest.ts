/** Halo (HaloPSA, HaloITSM, HaloServiceDesk). */
import type { Manifest } from '#connectors/contract/manifest.ts';
import { hintOf } from './hint.ts';
import { haloCredentials, haloOptions } from './wire.ts';

export const manifest: Manifest = {
  type: 'halo',
  label: 'Halo',
  entities: ['ticket'],
  credentials: haloCredentials,
  options: haloOptions,
  hintOf,
  setup: 'docs/connectors/halo.md',
  create: () => import('./index.ts'),
};

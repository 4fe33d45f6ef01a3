/** The seeds by name, for command lines and files. */
import type { HaloSeed } from './seed.ts';
import { acmeSeed } from './seeds/acme.ts';
import { acmeDemoSeed, northwindDemoSeed } from './seeds/demo.ts';
import { northwindSeed } from './seeds/northwind.ts';

export const seeds: Readonly<Record<string, HaloSeed>> = {
  acme: acmeSeed,
  northwind: northwindSeed,
  'acme-demo': acmeDemoSeed,
  'northwind-demo': northwindDemoSeed,
};

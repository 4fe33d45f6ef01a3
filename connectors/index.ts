/** The connectors that this version has, by their manifests. A connector's code is loaded when its first helpdesk is made. */
import type { ConnectorContext, Helpdesk, HintOf } from './contract/helpdesk.ts';
import type { Manifest } from './contract/manifest.ts';
import { manifest as halo } from './halo/manifest.ts';
import { manifest as rt } from './rt/manifest.ts';

/** In the order in which people see them. */
export const manifests: readonly Manifest[] = [halo, rt];

const byType: ReadonlyMap<string, Manifest> = new Map(manifests.map((manifest) => [manifest.type, manifest]));

/** Null for a type that no connector drives: `peer`, `api`, or one of another version. */
export function manifestOf(type: string): Manifest | null {
  return byType.get(type) ?? null;
}

/** @throws Error for a type that no connector drives; HelpdeskError `refused` for wrong credentials or options */
export async function createHelpdesk(type: string, context: ConnectorContext): Promise<Helpdesk> {
  const manifest = manifestOf(type);
  if (manifest === null) throw new Error(`this version of Ferry has no connector for the type "${type}"`);
  const connector = await manifest.create();
  return connector.createHelpdesk(context);
}

/** Which tickets a webhook of this type of helpdesk names; none for a type without webhooks. */
export function hintOf(type: string): HintOf {
  return manifestOf(type)?.hintOf ?? (() => []);
}

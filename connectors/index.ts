/** The types of helpdesk that this version can drive. What else there is to say about a type is said in its folder. */
import type { InstanceType } from '#core/words/vocabulary.ts';
import { createHaloHelpdesk, hintOf as haloHintOf } from './halo/index.ts';
import { haloCredentials, haloOptions } from './halo/wire.ts';
import type { ConnectorContext, Helpdesk, HintOf } from './contract/helpdesk.ts';
import { hintOf as rtHintOf } from './rt/hint.ts';
import { createRtHelpdesk } from './rt/index.ts';
import { credentialsSchema as rtCredentials, optionsSchema as rtOptions } from './rt/wire.ts';

const connectors = {
  halo: {
    create: createHaloHelpdesk,
    hintOf: haloHintOf,
    credentials: haloCredentials,
    options: haloOptions,
  },
  rt: {
    create: createRtHelpdesk,
    hintOf: rtHintOf,
    credentials: rtCredentials,
    options: rtOptions,
  },
} as const;

export type DrivenType = keyof typeof connectors;

export function isDriven(type: InstanceType): type is DrivenType {
  return Object.hasOwn(connectors, type);
}

/** Throws for a type that is not driven by this gateway (`peer`, `api`): those have no helpdesk here. */
export function createHelpdesk(type: InstanceType, context: ConnectorContext): Helpdesk {
  if (!isDriven(type)) throw new Error(`there is no connector for the type ${type}`);
  return connectors[type].create(context);
}

/** Which tickets a webhook of this type of helpdesk names; none for a type without webhooks. */
export function hintOf(type: InstanceType): HintOf {
  return isDriven(type) ? connectors[type].hintOf : () => [];
}

/** Schemas of what the type needs to be told; null for a type that this version can't drive. */
export function rulesOf(type: InstanceType): Pick<(typeof connectors)[DrivenType], 'credentials' | 'options'> | null {
  return isDriven(type) ? connectors[type] : null;
}

/** What a check has found out about this RT, where the options say nothing. */
import type { ConnectorContext } from '#connectors/contract/helpdesk.ts';
import { commonFacts, overlapFor, readFacts, settleFor } from '#connectors/kit/learned.ts';
import type { RtOptions } from './wire.ts';

/** @param options with the defaults of what was not said */
export function withFacts(options: RtOptions, { options: said, learned }: ConnectorContext): RtOptions {
  const facts = readFacts(commonFacts, learned);
  const fileMaxBytes = options.fileMaxBytes ?? facts.fileMaxBytes;
  return {
    ...options,
    ...(fileMaxBytes === undefined ? {} : { fileMaxBytes }),
    ...('overlapMs' in said ? {} : { overlapMs: overlapFor(facts, options.overlapMs) }),
    ...('settleMs' in said ? {} : { settleMs: settleFor(facts, options.settleMs) }),
  };
}

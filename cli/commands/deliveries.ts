/** `ferry retry`, `release`, `skip`, `resume`: what a person does to what waits. */
import { exitCodes } from '#cli/errors.ts';
import type { CliDeps, GlobalOptions } from '#cli/deps.ts';
import { count } from '#cli/print/text.ts';
import { withOperator } from '#cli/wire.ts';
import { release as releaseDelivery } from '#operate/deliveries/release.ts';
import { resume as resumeMirror } from '#operate/deliveries/resume.ts';
import { replay } from '#operate/deliveries/replay.ts';
import { retry as retryInstance } from '#operate/deliveries/retry.ts';
import { skip as skipDelivery } from '#operate/deliveries/skip.ts';
import { isUuid } from '#operate/known.ts';
import type { Operator } from '#operate/operator.ts';

/** @param what an instance, or a refused delivery */
export async function retry(what: string, options: GlobalOptions, deps: CliDeps): Promise<number> {
  return say(options, deps, async (operator) => {
    if (isUuid(what)) return `It is carried to ${await replay(operator, what)} once more, by the settings of today.`;
    const instance = what;
    const lanes = await retryInstance(operator, instance);
    return `${instance} is tried again now; ${count(lanes, 'lane waits', 'lanes wait')} for it.`;
  });
}

export async function release(id: string, options: GlobalOptions, deps: CliDeps): Promise<number> {
  return say(options, deps, async (operator) => `Released; it goes to ${await releaseDelivery(operator, id)} next.`);
}

export async function skip(id: string, options: GlobalOptions, deps: CliDeps): Promise<number> {
  return say(
    options,
    deps,
    async (operator) => `Dropped; it will not be delivered to ${await skipDelivery(operator, id)}.`,
  );
}

export async function resume(id: string, options: GlobalOptions, deps: CliDeps): Promise<number> {
  return say(options, deps, async (operator) => {
    await resumeMirror(operator, id);
    return 'The mirror goes on.';
  });
}

async function say(
  options: GlobalOptions,
  deps: CliDeps,
  act: (operator: Operator) => Promise<string>,
): Promise<number> {
  deps.out(`${await withOperator(options, deps, act)}\n`);
  return exitCodes.ok;
}

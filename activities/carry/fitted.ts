/** Fits a command to the desk's limits, which its connector reports. */
import { fitCommand, type Fitted, type TextLimit } from '#core/conversation/fit.ts';
import type { Command } from '#core/words/vocabulary.ts';
import type { End } from '#db/carry/delivery-context.ts';
import type { DrivenDesk, WorkDeps } from '#activities/deps.ts';

export async function fitted(
  { db, cache }: Pick<WorkDeps, 'db' | 'cache'>,
  desk: Pick<DrivenDesk, 'name'> & { readonly helpdesk: Pick<DrivenDesk['helpdesk'], 'traits'> },
  to: Pick<End, 'instance' | 'catalogue' | 'snapshot'>,
  command: Command,
): Promise<Fitted> {
  const { limits, noteMaxBytes } = desk.helpdesk.traits;
  const { fields } = await cache.catalogue(db, to.instance, to.catalogue);
  const ofFields = fields.flatMap(({ name, type, maxLength }): [string, TextLimit][] => {
    const limit = maxLength === undefined ? limits?.field : ({ most: maxLength, unit: 'characters' } as const);
    return limit === undefined || limit === null ? [] : [[name, { ...limit, html: type === 'html' }]];
  });
  const all = { noteBytes: noteMaxBytes, ...limits, fields: Object.fromEntries(ofFields) };
  return fitCommand(command, all, desk.name, to.snapshot);
}

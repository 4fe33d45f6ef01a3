/** Which action kind a note is made with. */
import type { PerformOptions } from '#connectors/contract/helpdesk.ts';
import type { Command } from '#core/words/vocabulary.ts';
import { byName } from './catalogue.ts';
import type { Glossary } from './catalogue.ts';
import type { Call } from './call.ts';
import type { HaloOptions } from './wire.ts';

export type Kinds = { readonly glossary: Glossary; readonly options: HaloOptions };

/** The kind that is named, else a plain one that this ticket's workflow allows. */
export async function kindFor(
  desk: Kinds,
  command: Command,
  options: PerformOptions,
  call: Call,
): Promise<{ readonly id: number; readonly name: string }> {
  const { kind, visibility } = command;
  if (kind !== null) return desk.glossary.look('action kind', kind, (words) => byName(words.kinds, kind), call);
  const configured = desk.options.plainKinds?.[visibility];
  const allowedBy = options.snapshot?.type;
  const wanted = configured ?? `${visibility} plain note`;
  return desk.glossary.look(
    'action kind',
    wanted,
    (words) => {
      if (configured !== undefined) return byName(words.kinds, configured);
      const type = words.catalogue.types.find(({ name }) => name === allowedBy);
      const allowed = words.kinds.filter(({ name, plain }) => plain && type?.kinds?.includes(name) !== false);
      const about = (name: string) => words.catalogue.kinds.find((one) => one.name === name);
      const fitting = allowed.filter(({ name }) => (about(name)?.hidden ?? false) === (visibility === 'hidden'));
      const quietest = fitting.find(({ name }) => about(name)?.sends === 'none');
      return quietest ?? fitting[0] ?? allowed[0];
    },
    call,
  );
}

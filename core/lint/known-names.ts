/** Names that a desk has, found at once however many there are, and the nearest one for a name that it has not. */
import { foldName } from '#core/words/names.ts';
import { suggestion } from '#core/words/nearest.ts';

export type KnownNames<Entry> = {
  /** In the desk's own order and spelling. */
  readonly all: readonly string[];
  /** Of several entries of one name, the first. */
  find(name: string): Entry | undefined;
  readonly letters: number;
};

export function knownNames<Entry>(entries: readonly Entry[], nameOf: (entry: Entry) => string): KnownNames<Entry> {
  const all = entries.map(nameOf);
  const byName = new Map<string, Entry>();
  for (const entry of entries) {
    const folded = foldName(nameOf(entry));
    if (!byName.has(folded)) byName.set(folded, entry);
  }
  return {
    all,
    find: (name) => byName.get(foldName(name)),
    letters: all.reduce((sum, name) => sum + name.length, 0),
  };
}

export function knownTexts(names: readonly string[]): KnownNames<string> {
  return knownNames(names, (name) => name);
}

export type Suggest = (name: string, known: KnownNames<unknown>) => string;

/** Letters compared with letters, for all suggestions of one run. */
const mostCompared = 4_000_000;

/** Says what was probably meant, for as many wrong names as a person would read; for more than that only what to do. */
export function createSuggest(): Suggest {
  let left = mostCompared;
  return (name, known) => {
    left -= name.length * known.letters;
    return left < 0 ? 'Correct the name, or remove the row.' : suggestion(name, known.all);
  };
}

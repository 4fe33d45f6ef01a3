/**
 * Phrases that once made sentences of this repository hard to read, with what to write instead. CONTRIBUTING.md has the
 * rules. A phrase is the source of a regular expression over whole words; a space in it matches any white space.
 */
export type Phrase = { readonly phrase: string; readonly instead: string };

export const phrases: readonly Phrase[] = [
  { phrase: 'another one (?:than|now)', instead: 'say what changed: "was restored or cloned", "differs from"' },
  { phrase: 'whoever', instead: 'name the subject: "the caller", "a user who", "any process that"' },
  { phrase: 'whosoever|whomever', instead: 'name the person' },
  { phrase: 'anew', instead: '"again"' },
  { phrase: 'goes on|go on|went on|going on', instead: '"continues"' },
  {
    phrase: 'stands(?! (?:in )?for)|stood(?! (?:in )?for)',
    instead: '"is", "is written", "is stored", "represents", "comes before"',
  },
  { phrase: 'what becomes of|what became of|becomes of', instead: '"what happens to", "what Ferry did with"' },
  { phrase: 'by way of', instead: '"through"' },
  { phrase: '(?:is|are|went|all) well', instead: '"is fine", "passes", "succeeded"' },
  { phrase: 'unless told(?: otherwise)?', instead: '"by default"' },
  { phrase: 'untold', instead: '"not yet announced", "unanswered"' },
  { phrase: 'told (?:so|of|it|nobody|by|in|at)', instead: '"is notified", "learns", "reports", "says"' },
  { phrase: 'in-house tools?', instead: '"API client"' },
  { phrase: 'the ones? before', instead: '"the previous one"' },
  { phrase: 'read on', instead: '"asked for a later cursor", "read further"' },
  { phrase: 'behind (?:it|them|this|that|these|which|one another|each other)', instead: '"after it"' },
  { phrase: 'for ever', instead: '"indefinitely", "permanently"' },
  { phrase: 'row of bytes', instead: '"bytes"' },
  { phrase: 'whose (?:hand|word|turn)', instead: 'name the person or the side' },
  { phrase: "that one's", instead: 'name the thing' },
  { phrase: 'nothing (?:stands|is) in the way', instead: '"nothing prevents"' },
];

/** Sentences that quote a phrase on purpose, or use it in its everyday sense. */
export const allowed: readonly { readonly file: string; readonly text: string }[] = [
  { file: 'CONTRIBUTING.md', text: 'this database is another one than it was' },
  { file: 'CONTRIBUTING.md', text: 'Whose hand settings show' },
  { file: 'CONTRIBUTING.md', text: 'What they do not tell is a row of bytes' },
  { file: 'CONTRIBUTING.md', text: 'once it has read on behind it' },
];

/** Folders, and files of the top folder, whose sentences nobody has edited yet. Only ever shorter. */
export const unedited: readonly string[] = ['docs'];

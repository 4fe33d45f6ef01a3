/**
 * RT answers a change with 200 or 201 and a list of sentences, one per thing it did or did not do. Only a sentence that
 * is known to mean success, or that nothing had to be done, counts as success; every other one is RT saying no. The
 * request asks for English. Values stand unquoted in these sentences and may say anything, so a sentence about a custom
 * field counts only in the exact form RT has for a field that was sent.
 */
import { HelpdeskError } from '#connectors/helpdesk.ts';

const done: readonly RegExp[] = [
  /^(?:Comments|Correspondence) added$/,
  /^(?:Ticket \d+: )?(?:Status|Subject|Priority) changed from '[^]*' to '[^]*'$/,
  // Nothing had to be done.
  /^(?:Ticket \d+: )?That is already the current value\.?$/,
  /^(?:Ticket \d+: )?You can't change status from '([^']*)' to '\1'\.$/,
];

/** What was asked for, as far as it matters for reading the answer. */
export type Asked = {
  /** Names of the custom fields that were sent. */
  readonly fields: readonly string[];
  /** Everything that was sent, in words for people: RT does not always say which field it means. */
  readonly words: readonly string[];
  /** The same request writes a note. */
  readonly note: boolean;
};

/** RT's words for what it did not do; empty when all was done. */
export function refusedSentences(sentences: readonly (string | null)[], fields: readonly string[]): readonly string[] {
  return sentences
    .filter((sentence): sentence is string => sentence !== null)
    .map((sentence) => sentence.trim())
    .filter(
      (sentence) =>
        !done.some((pattern) => pattern.test(sentence)) && !fields.some((field) => isFieldChange(sentence, field)),
    );
}

/** "F v added", "F v changed to w"; of fields with several values "v added as a value for F"; cleared either way. */
function isFieldChange(sentence: string, field: string): boolean {
  return (
    (sentence.startsWith(`${field} `) && (sentence.endsWith(' added') || sentence.includes(' changed to '))) ||
    sentence.endsWith(`added as a value for ${field}`) ||
    sentence.endsWith(`is no longer a value for custom field ${field}`)
  );
}

/** @throws HelpdeskError refused when RT said no to any of it; says so when the rest was done */
export function checkSentences(sentences: readonly (string | null)[], asked: Asked): void {
  const refused = refusedSentences(sentences, asked.fields);
  if (refused.length === 0) return;
  const said = refused.map((sentence) => sentence.slice(0, 300)).join(' / ');
  const for_ = asked.words.length === 0 ? '' : ` (asked for: ${asked.words.join(', ')})`;
  const partly = asked.note ? ' The note was written.' : refused.length < sentences.length ? ' The rest was done.' : '';
  throw new HelpdeskError(
    'refused',
    partly === '' ? 'refused-by-rt' : 'partly-refused',
    `RT said: ${said}${for_}.${partly}`,
  );
}

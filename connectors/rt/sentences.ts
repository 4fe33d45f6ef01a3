/**
 * RT answers a change with 200 or 201 and a list of sentences, one per thing it did or did not do. Only a sentence that
 * is known to mean success, or that nothing had to be done, counts as success; every other one is RT saying no. The
 * request asks for English. Values stand unquoted in these sentences and may say anything, so a sentence about a custom
 * field counts only in the exact form RT has for a field that was sent.
 */
import { cutText } from '#core/text/text.ts';
import { HelpdeskError } from '#connectors/contract/errors.ts';

const done: readonly RegExp[] = [
  /^(?:Comments|Correspondence) added$/,
  /^(?:Ticket \d+: )?(?:Status|Subject|Priority) changed from '[^]*' to '[^]*'$/,
];

const nothingToDo: readonly RegExp[] = [
  /^(?:Ticket \d+: )?That is already the current value\.?$/,
  /^(?:Ticket \d+: )?You can't change status from '([^']*)' to '\1'\.$/,
];

/** What was asked for, as far as it matters for reading the answer. */
export type SentChange = {
  /** Names of the custom fields that were sent. */
  readonly fields: readonly string[];
  /** Everything that was sent, in words for people: RT does not always say which field it means. */
  readonly words: readonly string[];
};

export type Answered = {
  /** RT's words for what it did not do. */
  readonly refused: readonly string[];
  /** Something was changed. */
  readonly changed: boolean;
};

export function understand(sentences: readonly (string | null)[], fields: readonly string[]): Answered {
  const said = sentences.filter((sentence): sentence is string => sentence !== null).map((sentence) => sentence.trim());
  const isDone = (sentence: string): boolean =>
    done.some((pattern) => pattern.test(sentence)) || fields.some((field) => isFieldChange(sentence, field));
  return {
    refused: said.filter((one) => !isDone(one) && !nothingToDo.some((pattern) => pattern.test(one))),
    changed: said.some(isDone),
  };
}

/** "F v added", "F v changed to w"; of fields with several values "v added as a value for F"; cleared either way. */
function isFieldChange(sentence: string, field: string): boolean {
  return (
    (sentence.startsWith(`${field} `) && (sentence.endsWith(' added') || sentence.includes(' changed to '))) ||
    sentence.endsWith(`added as a value for ${field}`) ||
    sentence.endsWith(`is no longer a value for custom field ${field}`)
  );
}

/**
 * Where RT did a part of it, the write was made and must stay known as ours; the read-back shows what was not taken.
 * @throws HelpdeskError refused, with RT's words, when RT did nothing of it
 */
export function checkSentences(sentences: readonly (string | null)[], asked: SentChange): void {
  const { refused, changed } = understand(sentences, asked.fields);
  if (refused.length === 0 || changed) return;
  const said = refused.map((sentence) => cutText(sentence, 300)).join(' / ');
  const wanted = asked.words.length === 0 ? '' : ` (asked for: ${asked.words.join(', ')})`;
  throw new HelpdeskError('refused', 'refused-by-rt', `RT said: ${said}${wanted}`);
}

/** Tries notes: hidden and visible, twice with one marker, with a file and a picture, and edited. */
import type { Outcome, Probe } from '#connectors/contract/check.ts';
import { HelpdeskError } from '#connectors/contract/errors.ts';
import { comparableText } from '#core/text/fingerprint.ts';
import type { ObservedAction } from '#core/words/desk.ts';
import { coarseMs } from './learned.ts';
import type { TrialDesk, Wrote } from './trial-desk.ts';
import { markup, trialEdited, trialNote, trialPicture, trialText } from './trial-texts.ts';
import { notMade, type TrialHelp } from './trial-help.ts';

const visibleNote = `<p>Ferry checks what the user sees.</p><p><img src="cid:${trialPicture.id}" alt="a red dot"></p>`;

export function noteProbes(desk: TrialDesk, help: TrialHelp): readonly Probe[] {
  let wrote: Wrote | null = null;
  let seen: ObservedAction | null = null;
  let shown: ObservedAction | null = null;
  let hasFile = false;

  const isIt =
    (made: Wrote) =>
    (action: ObservedAction): boolean =>
      action.note !== null && (action.marker === made.marker || made.ids.includes(action.externalId));
  const about = async (action: ObservedAction | null, judge: (action: ObservedAction) => Outcome): Promise<Outcome> =>
    action === null ? notMade : judge(action);

  return [
    {
      name: 'write a note',
      async run(signal) {
        if (desk.before() === null) return notMade;
        const made = await desk.write({ note: trialNote, files: [trialText] }, signal);
        wrote = made;
        const found = await desk.wait((ticket) => desk.fresh(ticket).find(isIt(made)) ?? null, signal);
        if (found === null) return { verdict: 'unknown', saw: 'it was made, but does not show within the time' };
        seen = found.it;
        const facts = { noteDelayMs: coarseMs(found.ms) };
        const files = await desk.wait(
          (ticket) =>
            desk.ours(ticket).find(({ attachments }) => attachments.some(({ name }) => name === trialText.name)) ??
            null,
          signal,
        );
        hasFile = files !== null;
        return { verdict: 'ok', saw: `readable after ${Math.ceil(found.ms / 1000)} s`, facts };
      },
    },
    {
      name: 'marker',
      run: () =>
        about(seen, (action) =>
          action.marker === wrote?.marker
            ? { verdict: 'ok', facts: { keepsMarker: true } }
            : {
                verdict: 'ok',
                saw: 'it is not kept; our notes are known by their ids and texts',
                facts: { keepsMarker: false },
              },
        ),
    },
    {
      name: 'author',
      run: () =>
        about(seen, ({ author }) =>
          author.role === 'service'
            ? { verdict: 'ok' }
            : {
                verdict: 'differs',
                saw: `our note counts as written by ${author.role === 'agent' ? 'an agent' : `role ${author.role}`}`,
                fix: "Correct the options that say who Ferry is; the connector's page names them.",
              },
        ),
    },
    { name: 'visibility', about: 'hidden', run: () => about(seen, (action) => visibilityOf(action, 'hidden')) },
    { name: 'mail', run: () => about(seen, (action) => mailOf(action, help)) },
    { name: 'HTML', run: () => about(seen, htmlOutcome) },
    {
      name: 'write a file',
      run: () =>
        about(seen, () =>
          hasFile
            ? { verdict: 'ok' }
            : { verdict: 'differs', saw: 'the note shows without the file that went with it' },
        ),
    },
    {
      name: 'doubled marker',
      async run(signal) {
        const [first, made] = [seen, wrote];
        if (first === null || made === null) return notMade;
        try {
          const again = await desk.write({ note: trialNote, marker: made.marker }, signal);
          const both = await desk.wait((ticket) => {
            const all = desk.fresh(ticket).filter(isIt({ ...made, ids: [...made.ids, ...again.ids] }));
            return all.length > 1 || again.ids.every((id) => made.ids.includes(id)) ? all : null;
          }, signal);
          if (both === null) return { verdict: 'unknown', saw: 'the second one does not show within the time' };
          const doubles = both.it.length > 1;
          const saw = doubles
            ? 'a second note is made, so Ferry looks before it writes again'
            : 'no second note is made';
          return { verdict: 'ok', saw, facts: { refusesDoubles: !doubles } };
        } catch (error) {
          if (!(error instanceof HelpdeskError) || error.class !== 'refused') throw error;
          return { verdict: 'ok', saw: 'a second note is refused', facts: { refusesDoubles: true } };
        }
      },
    },
    {
      name: 'visibility',
      about: 'visible',
      async run(signal) {
        if (seen === null) return notMade;
        const made = await desk.write({ note: visibleNote, visibility: 'visible', files: [trialPicture] }, signal);
        const found = await desk.wait((ticket) => desk.fresh(ticket).find(isIt(made)) ?? null, signal);
        if (found === null) return { verdict: 'unknown', saw: 'it was made, but does not show within the time' };
        shown = found.it;
        const mail = mailOf(found.it, help);
        return mail.verdict === 'ok' ? visibilityOf(found.it, 'visible') : mail;
      },
    },
    {
      name: 'write a picture',
      run: () =>
        about(shown, ({ note, attachments }) => {
          const inline = attachments.find((file) => file.inline);
          const isPlaced = inline !== undefined && note?.includes(`cid:${inline.id}`) === true;
          if (isPlaced) return { verdict: 'ok', facts: { placesPictures: true } };
          return {
            verdict: 'differs',
            saw: inline === undefined ? 'the picture does not come back' : 'the picture is not in its place',
            fix: "Look at what the connector's page says of pictures.",
            facts: { placesPictures: false },
          };
        }),
    },
    {
      name: 'edit a note',
      async run(signal) {
        const [action, { edit }] = [seen, help];
        if (action === null) return notMade;
        if (edit === null) return { verdict: 'ok', saw: 'notes can not be edited there', facts: { editsNotes: false } };
        await edit(action.externalId, `${trialNote}<p>${trialEdited}</p>`, signal);
        const wanted = comparableText(trialEdited);
        const found = await desk.wait(
          (ticket) => desk.fresh(ticket).find(({ note }) => comparableText(note ?? '').endsWith(wanted)) ?? null,
          signal,
        );
        if (found === null) return { verdict: 'differs', saw: 'the edit does not show', facts: { editsNotes: false } };
        if (found.it.externalId !== action.externalId)
          return { verdict: 'differs', saw: 'an edit becomes an action of its own', facts: { editsNotes: false } };
        return { ...visibilityOf(found.it, 'hidden'), facts: { editsNotes: true } };
      },
    },
  ];
}

function visibilityOf({ visibility }: ObservedAction, wanted: 'hidden' | 'visible'): Outcome {
  if (visibility === wanted) return { verdict: 'ok' };
  return {
    verdict: 'differs',
    saw: `a note that was to be ${wanted} is ${visibility}`,
    fix: `Look at the action kind that ${wanted} notes are made with, before a link goes live.`,
  };
}

function mailOf({ mailed }: ObservedAction, { quietFix }: TrialHelp): Outcome {
  if (mailed !== true) return { verdict: 'ok' };
  return { verdict: 'differs', saw: 'the note was mailed although it was not to be', fix: quietFix };
}

function htmlOutcome({ note }: ObservedAction): Outcome {
  // Where the desk can't name somebody else as the author, a line that does comes first.
  const isSame = comparableText(note ?? '').endsWith(comparableText(trialNote));
  if (!isSame)
    return {
      verdict: 'differs',
      saw: 'the text that comes back is another one',
      fix: 'Switch off what rewrites notes in the helpdesk, an AI for instance, for what Ferry writes.',
    };
  const cleaned = Object.entries(markup).flatMap(([kind, form]) => (form.test(note ?? '') ? [] : [kind]));
  const cleansHtml = note?.endsWith(trialNote) !== true;
  const saw = cleansHtml ? 'other markup, the same text' : 'kept as it is';
  if (cleaned.length === 0) return { verdict: 'ok', saw, facts: { cleansHtml } };
  return {
    verdict: 'ok',
    saw: `${saw}; taken out: ${cleaned.join(', ')}`,
    facts: { cleansHtml, cleaned: cleaned.join(' ') },
  };
}

/** Tries how much of a note, a subject and a file is kept whole. */
import type { Outcome, Probe } from '#connectors/contract/check.ts';
import { HelpdeskError } from '#connectors/contract/errors.ts';
import type { Helpdesk } from '#connectors/contract/helpdesk.ts';
import type { TrialDesk } from './trial-desk.ts';
import { trialFileOf, trialNoteOf, trialSubject } from './trial-texts.ts';
import { notMade } from './trial-help.ts';

const kib = 1024;
const noteSizes = [256 * kib, 64 * kib, 16 * kib];
const subjectLengths = [250, 120, 60];
const fileSizes = [4 * kib * kib, kib * kib, 256 * kib];
/** For what a connector puts around a note. */
const spare = kib;

export function sizeProbes({ traits }: Helpdesk, desk: TrialDesk): readonly Probe[] {
  const { limits } = traits;
  return [
    {
      name: 'size of notes',
      run: (signal) =>
        largest(desk, upTo(traits.noteMaxBytes, noteSizes), 'noteMaxBytes', 'bytes', async (size) => {
          const { note, end } = trialNoteOf(size - spare);
          await desk.write({ note }, signal);
          const found = await desk.wait(
            (ticket) => desk.fresh(ticket).find((one) => one.note?.includes(end) === true) ?? null,
            signal,
          );
          return found !== null;
        }),
    },
    {
      name: 'size of subjects',
      run: (signal) =>
        largest(desk, upTo(limits?.subject?.most, subjectLengths), 'subjectMaxLength', 'characters', async (length) => {
          const summary = trialSubject.padEnd(length - 1, 'x').concat('.');
          await desk.write({ summary }, signal);
          const found = await desk.wait(({ snapshot }) => (snapshot.summary === summary ? true : null), signal);
          return found !== null;
        }),
    },
    {
      name: 'size of files',
      run: (signal) =>
        largest(desk, upTo(limits?.fileBytes, fileSizes), 'fileMaxBytes', 'bytes', async (size) => {
          const file = trialFileOf(size);
          await desk.write({ note: '<p>Ferry tries how large a file may be.</p>', files: [file] }, signal);
          const found = await desk.wait((ticket) => {
            const files = desk.ours(ticket).flatMap(({ attachments }) => attachments);
            return files.find(({ name, sizeBytes }) => name === file.name && (sizeBytes ?? size) >= size) ?? null;
          }, signal);
          return found !== null;
        }),
    },
  ];
}

function upTo(most: number | null | undefined, sizes: readonly number[]): readonly number[] {
  return most === null || most === undefined ? sizes : [most, ...sizes].filter((size) => size <= most).slice(0, 3);
}

/** The first that is kept whole. What is not kept whole the first time becomes a limit. */
async function largest(
  desk: TrialDesk,
  sizes: readonly number[],
  fact: string,
  unit: string,
  isKept: (size: number) => Promise<boolean>,
): Promise<Outcome> {
  if (desk.before() === null) return notMade;
  let isLimited = false;
  for (const size of new Set(sizes)) {
    const kept = await isKept(size).catch((error: unknown) => {
      if (error instanceof HelpdeskError && error.class === 'refused') return false;
      throw error;
    });
    if (!kept) isLimited = true;
    else if (isLimited) {
      const saw = `${size} ${unit} are kept, more are not; that is the limit from now on`;
      return { verdict: 'ok', saw, facts: { [fact]: size } };
    } else return { verdict: 'ok', saw: `${size} ${unit} are kept` };
  }
  return {
    verdict: 'differs',
    saw: `not even ${sizes.at(-1) ?? 0} ${unit} are kept whole`,
    fix: 'Raise the limit in the helpdesk.',
  };
}

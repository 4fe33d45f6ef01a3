/** Probes that write: a hidden note with a file on a ticket that somebody named for it, read back as Ferry would. */
import { Readable } from 'node:stream';
import type { Outcome, Probe, Trial } from '#connectors/contract/check.ts';
import { notAfterIn } from '#connectors/contract/not-after.ts';
import { comparableText, sha256Hex } from '#core/text/fingerprint.ts';
import type { ObservedAction } from '#core/words/desk.ts';
import type { Attachment, Command } from '#core/words/vocabulary.ts';

const note =
  '<p>Ferry checks this helpdesk. <b>Nobody has to do anything.</b></p><ul><li>a list</li></ul><p><a href="https://example.com/">a link</a></p>';
const text = 'Ferry checks this helpdesk.\n';
/** How long a note may take to show, milliseconds; and how often it is looked for. */
const showsWithinMs = 10_000;
const lookEveryMs = 500;
const writeWithinMs = 30_000;

const notMade: Outcome = { verdict: 'unknown', saw: 'the note was not made, or does not show' };

/** The note stays: no helpdesk lets Ferry delete what it wrote. */
export function writeProbes({ helpdesk, ticketId, marker }: Trial): readonly Probe[] {
  let from = '';
  let seen: ObservedAction | null = null;
  let hasFile = false;
  const file: Attachment = {
    id: 'ferry-check',
    name: 'ferry-check.txt',
    type: 'text/plain',
    sizeBytes: Buffer.byteLength(text),
    inline: false,
    sha256: sha256Hex(text),
  };
  const about = async (judge: (action: ObservedAction) => Outcome): Promise<Outcome> =>
    seen === null ? notMade : judge(seen);

  return [
    {
      name: 'write a note',
      async run(signal) {
        const command: Command = {
          ticketId,
          kind: null,
          note,
          visibility: 'hidden',
          mailsUser: false,
          author: { display: 'Ferry' },
          at: new Date().toISOString(),
          fields: {},
          attachments: [file],
        };
        const reading = await helpdesk.read(ticketId, null, signal);
        if (reading.kind !== 'ticket') return { verdict: 'differs', saw: `the ticket is ${reading.kind}` };
        from = reading.actions.at(-1)?.at ?? '';
        const ids: string[] = [];
        for (const step of helpdesk.steps(command)) {
          const openStaged = (): Readable => Readable.from([Buffer.from(text)]);
          const notAfter = notAfterIn(writeWithinMs);
          const options = { marker, signal, notAfter, link: 'check', snapshot: reading.snapshot, openStaged };
          ids.push(...(await helpdesk.perform(step, options)).actionIds);
        }
        const began = performance.now();
        const isIt = (action: ObservedAction): boolean => action.marker === marker || ids.includes(action.externalId);
        for (;;) {
          const after = await helpdesk.read(ticketId, from === '' ? null : from, signal);
          const actions = after.kind === 'ticket' ? after.actions.filter(isIt) : [];
          hasFile ||= actions.some(({ attachments }) => attachments.some(({ name }) => name === file.name));
          seen = actions.find((action) => action.note !== null) ?? null;
          const waitedMs = performance.now() - began;
          if (seen !== null && (hasFile || waitedMs > showsWithinMs)) return shown(waitedMs);
          if (waitedMs > showsWithinMs)
            return { verdict: 'unknown', saw: `it was made, but does not show within ${showsWithinMs / 1000} s` };
          await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
        }
      },
    },
    {
      name: 'marker',
      run: () =>
        about((action) =>
          action.marker === marker
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
        about(({ author }) =>
          author.role === 'service'
            ? { verdict: 'ok' }
            : {
                verdict: 'differs',
                saw: `our note counts as written by ${author.role === 'agent' ? 'an agent' : `role ${author.role}`}`,
                fix: "Correct the options that say who Ferry is; the connector's page names them.",
              },
        ),
    },
    {
      name: 'visibility',
      run: () =>
        about(({ visibility }) =>
          visibility === 'hidden'
            ? { verdict: 'ok' }
            : {
                verdict: 'differs',
                saw: `a note that was to be hidden is ${visibility}`,
                fix: 'Look at the action kind that hidden notes are made with, before a link goes live.',
              },
        ),
    },
    {
      name: 'mail',
      run: () =>
        about(({ mailed }) =>
          mailed ? { verdict: 'differs', saw: 'the note was mailed although it was not to be' } : { verdict: 'ok' },
        ),
    },
    {
      name: 'HTML',
      run: () =>
        about((action) => {
          // Where the desk can't name somebody else as the author, a line that does comes first.
          const isSame = comparableText(action.note ?? '').endsWith(comparableText(note));
          if (!isSame) return { verdict: 'differs', saw: 'the text that comes back is another one' };
          const keepsHtml = action.note?.endsWith(note) === true;
          return {
            verdict: 'ok',
            saw: keepsHtml ? 'kept as it is' : 'other markup, the same text',
            facts: { keepsHtml },
          };
        }),
    },
    {
      name: 'write a file',
      run: () =>
        about(() =>
          hasFile
            ? { verdict: 'ok' }
            : { verdict: 'differs', saw: 'the note shows without the file that went with it' },
        ),
    },
  ];
}

function shown(waitedMs: number): Outcome {
  return { verdict: 'ok', saw: `readable after ${Math.ceil(waitedMs / 1000)} s` };
}

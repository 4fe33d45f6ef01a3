/**
 * Runs every exported function that takes strangers' texts on every bomb, at n and at 2n characters: its processor time
 * may at most triple. The exported functions that take text are found in the sources, so a new one fails here until it
 * is in one of the two lists.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { canonicalConstant, constantHash } from '#core/log/constant.ts';
import { openingPart } from '#core/conversation/decide-opening.ts';
import { receiptCommand } from '#core/conversation/receipt.ts';
import { checkUrl } from '#connectors/kit/guard.ts';
import { metadataUrl } from '#protocols/ferry/identity.ts';
import { partsOfIssuer } from '#core/words/directory.ts';
import { signerOf } from '#protocols/ferry/provenance.ts';
import { guidOf, isForeign, markerOf as haloMarkerOf } from '#connectors/halo/marker.ts';
import { valueTo } from '#connectors/halo/fields.ts';
import { attachedMailPart } from '#connectors/rt/attached-mail.ts';
import { sqlQuoted } from '#connectors/rt/client.ts';
import { fingerprintOfAction } from '#connectors/rt/history.ts';
import { referenceOf } from '#connectors/rt/prepare.ts';
import { treeOf } from '#connectors/rt/tree.ts';
import { authorHere, noteHere, oneLine } from '#core/conversation/decide-note.ts';
import { decide } from '#core/conversation/decide.ts';
import { defuseTags, defuseTagsInHtml } from '#core/text/defuse.ts';
import { decodeEntitiesBefore } from '#core/text/entities-before.ts';
import * as fingerprint from '#core/text/fingerprint.ts';
import { fitCommand } from '#core/conversation/fit.ts';
import * as html from '#core/text/html.ts';
import { rewriteImages } from '#core/text/images.ts';
import { linesOf } from '#core/text/lines.ts';
import { linkOf, webUrl } from '#core/text/links.ts';
import { readMarkup } from '#core/text/markup.ts';
import * as names from '#core/words/names.ts';
import { normalise } from '#core/text/normalise.ts';
import { decodeHTML, plainText, withoutTags } from '#core/text/plain.ts';
import { quoted } from '#core/text/quoted.ts';
import { reason } from '#core/words/reasons.ts';
import { rowsAsLines } from '#core/text/rows.ts';
import { cutName, safeName } from '#core/text/safe-name.ts';
import { unflowed } from '#core/text/flowed.ts';
import { send } from '#core/conversation/send.ts';
import { meaningOf } from '#core/text/style.ts';
import { renderTemplate, unknownPlaceholders } from '#core/text/template.ts';
import * as text from '#core/text/text.ts';
import { translate } from '#core/conversation/translate.ts';
import { unrecorded } from '#core/log/unrecorded.ts';
import { wordsOf as haloErrorWords } from '#connectors/halo/errors.ts';
import { signOf } from '#core/log/breaker.ts';
import { sameValue } from '#core/log/read-back.ts';
import { slackMessage, teamsMessage } from '#core/text/chat.ts';
import { pauseOf } from '#core/words/retry.ts';
import * as haloHtml from '#connectors/halo/html.ts';
import { stepsOf as haloSteps } from '#connectors/halo/steps.ts';
import { instantOf as haloInstantOf } from '#connectors/halo/time.ts';
import { cleanMarker, header, markerOf, mayHaveFiles, messageOf } from '#connectors/rt/parts.ts';
import { composeNote, fitted, pointImages } from '#connectors/rt/notes.ts';
import { comparable, readValue, readValues, writeValue } from '#connectors/rt/fields.ts';
import { checkSentences, understand } from '#connectors/rt/sentences.ts';
import { changesOf, stepsOf as rtSteps } from '#connectors/rt/steps.ts';
import { optionsSchema, partSchema } from '#connectors/rt/wire.ts';
import * as rtTime from '#connectors/rt/time.ts';
import { bombs, framed } from './bombs.ts';
import { actionWith, commandWith, decideWith, receiptWith, sendWith, snapshotWith } from './inputs.ts';
import { notText } from './not-text.ts';

const rtOptions = optionsSchema.parse({});

function rtPart(content: string, headers = 'Content-Type: text/html\n') {
  return partSchema.parse({ id: 1, TransactionId: 1, ContentType: 'text/html', Content: content, Headers: headers });
}

/** Each within the previous one. */
function rtPartOf(id: number) {
  return partSchema.parse({ id, Parent: id - 1, TransactionId: 1, ContentType: 'multipart/mixed' });
}

/** Refusing is an answer too, and must cost no more. */
function failing(run: () => unknown): unknown {
  try {
    return run();
  } catch {
    return null;
  }
}

const checks = { https: () => {}, http: () => {} } as unknown as Parameters<typeof checkUrl>[2];

/** By the function's file and name. */
const runs: Readonly<Record<string, (bomb: string) => unknown>> = {
  'core oneLine': oneLine,
  'core noteHere': (bomb) => noteHere(actionWith(bomb), '2026-01-01T00:00:00Z', undefined),
  'core authorHere': (bomb) => authorHere({ name: bomb, email: bomb, role: 'agent' }, bomb, decideWith('').inbound),
  'core decide': (bomb) => decide(decideWith(bomb)),
  'core send': (bomb) => send(sendWith(bomb)),
  'core defuseTags': defuseTags,
  'core defuseTagsInHtml': defuseTagsInHtml,
  'core decodeEntitiesBefore': decodeEntitiesBefore,
  'core decodeHTML': decodeHTML,
  'core comparableText': fingerprint.comparableText,
  'core sha256Hex': fingerprint.sha256Hex,
  'core noteFingerprint': (bomb) => fingerprint.noteFingerprint(bomb, 'visible'),
  'core statusFingerprint': fingerprint.statusFingerprint,
  'core fieldFingerprint': (bomb) => fingerprint.fieldFingerprint(bomb, bomb.split(' ')),
  'core fileFingerprint': (bomb) => fingerprint.fileFingerprint(bomb, 1),
  'core fingerprintOf': (bomb) =>
    fingerprint.fingerprintOf({ note: bomb, visibility: 'visible', fields: {}, files: [] }),
  'core fingerprintBefore': (bomb) =>
    fingerprint.fingerprintBefore({ note: bomb, visibility: 'visible', fields: {}, files: [] }),
  'core fitCommand': (bomb) =>
    fitCommand(
      commandWith(bomb),
      {
        subject: { most: 200, unit: 'bytes' },
        field: { most: 100, unit: 'characters' },
        fields: { Text: { most: 100, unit: 'characters', html: true } },
        noteBytes: 1000,
      },
      'Desk',
      snapshotWith(bomb),
    ),
  'core sanitise': (bomb) => html.sanitise(bomb),
  'core sanitiseNote': (bomb) => html.sanitiseNote(bomb),
  'core unreadNote': html.unreadNote,
  'core unreadHtml': html.unreadHtml,
  'core withoutEmpty': html.withoutEmpty,
  'core htmlToText': html.htmlToText,
  'core missingFile': (bomb) => html.missingFile(bomb, bomb),
  'core rewriteImages': (bomb) => rewriteImages(bomb, (src) => ({ src })),
  'core linesOf': linesOf,
  'core linkOf': linkOf,
  'core webUrl': webUrl,
  'core readMarkup': (bomb) => readMarkup(bomb, { open: () => {}, close: () => {}, text: () => {} }),
  'core foldName': names.foldName,
  'core sameName': (bomb) => names.sameName(bomb, `${bomb}x`),
  'core sameSet': (bomb) => names.sameSet(bomb.split(' '), bomb.split('\n')),
  'core findName': (bomb) => names.findName([bomb], `${bomb}x`),
  'core findRow': (bomb) => names.findRow([{ from: bomb }], `${bomb}x`),
  'core findNamed': (bomb) => names.findNamed([{ name: bomb }], `${bomb}x`),
  'core normalise': (bomb) => normalise(bomb, () => ({ kind: 'nothing' })),
  'core plainText': plainText,
  'core withoutTags': (bomb) => withoutTags(bomb, () => ''),
  'core quoted': (bomb) => [quoted(bomb, 'drop'), quoted(bomb, 'fold')],
  'core reason': (bomb) => reason('refused-by-desk', { desk: bomb, name: bomb, detail: bomb }),
  'core rowsAsLines': rowsAsLines,
  'core safeName': safeName,
  'core cutName': (bomb) => cutName(bomb, 200),
  'core unflowed': (bomb) => unflowed(bomb, 'text/plain; format=flowed'),
  'core meaningOf': meaningOf,
  'core unknownPlaceholders': unknownPlaceholders,
  'core renderTemplate': (bomb) =>
    renderTemplate(bomb, {
      note: bomb,
      description: bomb,
      thread: [{ author: bomb, at: '2026-01-01T00:00:00Z', html: bomb }],
      summary: bomb,
      number: bomb,
      url: bomb,
      agent: bomb,
      requester: bomb,
    }),
  'core cleanText': text.cleanText,
  'core streamSafe': text.streamSafe,
  'core escapeHtml': text.escapeHtml,
  'core textToHtml': text.textToHtml,
  'core keptSpaces': text.keptSpaces,
  'core cutText': (bomb) => text.cutText(bomb, 200),
  'core cutBytes': (bomb) => text.cutBytes(bomb, Math.floor(bomb.length / 2)),
  'core translate': (bomb) => {
    const { inbound, catalogue, outgoing } = decideWith(bomb);
    const { words } = outgoing.action;
    return translate(
      {
        words,
        inbound,
        catalogue,
        snapshot: snapshotWith(bomb),
        opening: false,
        row: undefined,
        target: undefined,
        bare: false,
      },
      bomb,
    );
  },
  'core pauseOf': (bomb) => pauseOf(bomb, 0),
  'core sameValue': (bomb) => [sameValue(bomb, `${bomb}x`), sameValue(bomb.split(' '), bomb.split('\n'))],
  'core signOf': (bomb) =>
    signOf({ author: { role: 'user' }, note: bomb, at: '2026-01-01T00:00:00Z' }, '2026-01-01T00:00:01Z'),
  'core slackMessage': (bomb) => slackMessage(bomb, bomb),
  'core teamsMessage': (bomb) => teamsMessage(bomb, bomb),
  'core unrecorded': (bomb) => unrecorded({ summary: '', fields: {} }, snapshotWith(bomb), [actionWith(bomb).words]),
  'core canonicalConstant': (bomb) => canonicalConstant(actionWith(bomb)),
  'core constantHash': (bomb) => constantHash(actionWith(bomb)),
  'core openingPart': (bomb) => openingPart(decideWith(bomb), undefined),
  'core receiptCommand': (bomb) => receiptCommand(receiptWith(bomb)),
  'kit checkUrl': (bomb) => failing(() => checkUrl(bomb, { http: false, privateAddresses: false }, checks)),
  'ferry metadataUrl': (bomb) => failing(() => metadataUrl(bomb)),
  'ferry partsOfIssuer': (bomb) => failing(() => partsOfIssuer(bomb)),
  'ferry signerOf': signerOf,
  'halo guidOf': guidOf,
  'halo isForeign': isForeign,
  'halo markerOf': haloMarkerOf,
  'halo valueTo': (bomb) => valueTo({ id: 1, name: 'x', type: 0 }, bomb),
  'halo wordsOf': haloErrorWords,
  'halo withCids': (bomb) => haloHtml.withCids(bomb, 'https://halo.example'),
  'halo withUrls': (bomb) => haloHtml.withUrls(bomb, new Map([['a', 'https://halo.example/a']])),
  'halo escapeHtml': haloHtml.escapeHtml,
  'halo htmlOf': haloHtml.htmlOf,
  'halo stepsOf': (bomb) => haloSteps(commandWith(bomb), 1000),
  'halo instantOf': haloInstantOf,
  'rt messageOf': (bomb) => messageOf([rtPart(bomb, `${bomb}\nContent-Type: text/html\n`)], []),
  'rt mayHaveFiles': (bomb) => mayHaveFiles([rtPart(bomb, bomb)]),
  'rt markerOf': (bomb) => markerOf([rtPart('', `Content-Type: ${bomb}`)]),
  'rt header': (bomb) => header(rtPart('', `Content-Type: ${bomb}\n${bomb}`), 'Content-Type'),
  'rt composeNote': (bomb) => composeNote(commandWith(bomb)),
  'rt fitted': (bomb) => fitted(commandWith(bomb), 1000),
  'rt pointImages': (bomb) => pointImages(bomb, new Map([['a', '1']]), new Set(['1'])),
  'rt stepsOf': (bomb) => rtSteps(commandWith(bomb), rtOptions),
  'rt understand': (bomb) => understand([bomb, `Subject changed from '${bomb}`], [bomb]),
  'rt changesOf': (bomb) => changesOf(commandWith(bomb), rtOptions),
  'rt checkSentences': (bomb) => failing(() => checkSentences([bomb], { fields: [bomb], words: [bomb] })),
  'rt attachedMailPart': attachedMailPart,
  'rt cleanMarker': cleanMarker,
  'rt comparable': comparable,
  'rt fingerprintOfAction': (bomb) =>
    fingerprintOfAction({ note: bomb, visibility: 'visible', words: { fields: { x: bomb } }, files: [] }),
  'rt referenceOf': (bomb) =>
    referenceOf({ summary: '', account: '', requester: { name: '' }, farNumber: bomb, farUrl: bomb }, bomb),
  'rt sqlQuoted': sqlQuoted,
  'rt treeOf': (bomb) => treeOf(Array.from({ length: bomb.length / 100 }, (_, id) => rtPartOf(id + 1))),
  'rt writeValue': (bomb) =>
    failing(() => writeValue([bomb], { id: '1', name: 'x', type: 'options', select: false, multiple: true }, null)),
  'rt readValue': (bomb) => readValue(bomb, { id: '1', name: 'x', type: 'datetime', select: false, multiple: false }),
  'rt readValues': (bomb) =>
    readValues([bomb, bomb], { id: '1', name: 'x', type: 'options', select: false, multiple: true }),
  'rt instantOf': rtTime.instantOf,
  'rt instantOfDatabase': rtTime.instantOfDatabase,
  'rt dateOf': rtTime.dateOf,
};

const textTypes =
  /\b(?:string|unknown|RtPart|Command|Action|ConstantPart|Recorded|SendInput|DecideInput|TranslateInput|FieldValue|Person|ReasonParams|TicketSnapshot|WireAction|HttpReply|HaloAction|Receipt\w*)\b/;
/** Functions that query or open something first: they take ids, and text only to pass it on. */
const asks = /^\s*\w+:\s*(?:HaloClient|RtClient|HttpClient|Reader|Desk|Writing|Filing|ConnectorContext)\b/;

/** Exported functions of core and the connectors that take text, as `<where> <name>`. */
function exported(): readonly string[] {
  const root = path.join(import.meta.dirname, '..', '..');
  const found: string[] = [];
  for (const folder of ['core', 'connectors', 'protocols']) {
    for (const file of readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })) {
      if (!file.endsWith('.ts')) continue;
      const source = readFileSync(path.join(root, folder, file), 'utf8');
      const where = folder === 'core' ? 'core' : (file.split(path.sep).at(-2) ?? 'connectors');
      for (const match of source.matchAll(/^export (async )?function (\w+)(?:<[^(]*>)?\(/gm)) {
        const given = parameters(source, match.index + match[0].length);
        if (match[1] === undefined && textTypes.test(given) && !asks.test(given)) found.push(`${where} ${match[2]}`);
      }
    }
  }
  return [...new Set(found)].sort();
}

function parameters(source: string, from: number): string {
  for (let at = from, depth = 1; at < source.length; at += 1) {
    if (source[at] === '(') depth += 1;
    if (source[at] === ')') depth -= 1;
    if (depth === 0) return source.slice(from, at);
  }
  return source.slice(from);
}

test('every exported function that takes text is measured here, or a reason is given', () => {
  const listed = new Set([...Object.keys(runs), ...Object.keys(notText)]);
  assert.deepEqual(
    exported().filter((name) => !listed.has(name)),
    [],
  );
});

test('every function listed as taking no text still exists', () => {
  const there = new Set(exported());
  assert.deepEqual(
    Object.keys(notText).filter((name) => !there.has(name)),
    [],
  );
});

/** Milliseconds of processor time. */
function cost(run: (bomb: string) => unknown, bomb: string): number {
  const before = process.cpuUsage();
  run(bomb);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

/** Too short to be distinguished from noise. In milliseconds. */
const noise = 12;

/**
 * The ratio of the best of up to five runs at each length, or of twice as many if a busy machine may have spoilt those;
 * null if the times are too short to tell.
 */
function growth(run: (bomb: string) => unknown, of: (n: number) => string): number | null {
  let n = 16 * 1024;
  if (cost(run, of(n)) < 1) n = 128 * 1024;
  const [short, long] = [of(n), of(2 * n)];
  let less = Number.POSITIVE_INFINITY;
  let more = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 10; round += 1) {
    more = Math.min(more, cost(run, long));
    if (more < noise) return null;
    less = Math.min(less, cost(run, short));
    if (more / less <= 3) return more / less;
  }
  return more / less;
}

for (const [name, run] of Object.entries(runs)) {
  test(`${name} takes time that grows linearly with its text, whatever the text`, () => {
    const wrong: string[] = [];
    for (const bomb of [...bombs, ...framed]) {
      const factor = growth(run, bomb.of);
      if (factor !== null && factor > 3) wrong.push(`${bomb.name}: ${factor.toFixed(1)}`);
    }
    assert.deepEqual(wrong, []);
  });
}

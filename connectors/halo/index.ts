/** Halo (HaloPSA, HaloITSM) behind the contract of helpdesk.ts, as an agent of its own in each Halo. */
import type { ConnectorContext, Helpdesk, Traits } from '#connectors/contract/helpdesk.ts';
import { readSettings } from '#connectors/kit/settings.ts';
import { baseOf } from './address.ts';
import { assumed } from './assumed.ts';
import { openFile } from './attachments.ts';
import { createGlossary } from './catalogue.ts';
import { createClient } from './client.ts';
import type { Call } from './call.ts';
import { identityOf } from './desk.ts';
import { limitWindowMs } from './errors.ts';
import { createFeed } from './feed.ts';
import { findStep } from './find.ts';
import { createIdentity } from './identity.ts';
import { createMade } from './made.ts';
import { createPictures } from './pictures.ts';
import { lookAt, readTicket } from './read.ts';
import { createOwners } from './requester.ts';
import { stepsOf } from './steps.ts';
import { createTokens } from './token.ts';
import { haloCredentials, haloOptions, ticketRow } from './wire.ts';
import type { HaloOptions } from './wire.ts';
import { waysOf, withFacts } from './ways.ts';
import { performStep } from './write.ts';

export { createCheck } from './check.ts';

/** Throws `refused` when credentials or options are not as `haloCredentials` and `haloOptions` define them. */
export function createHelpdesk(context: ConnectorContext): Helpdesk {
  const credentials = readSettings(haloCredentials, context.credentials, 'credentials', context.instance);
  const said = readSettings(haloOptions, context.options, 'options', context.instance);
  const options = withFacts(said, context.learned);
  const traits = traitsOf(options);
  const baseUrl = baseOf(context.url);
  const tokens = createTokens(context.http, baseUrl, credentials, options.scope ?? 'all');
  const client = createClient(context, tokens, waysOf(context.learned));
  const glossary = createGlossary(client, options);
  const identity = createIdentity(client, credentials, options);
  const { overlapMs } = traits;
  const desk = { client, glossary, identity, pictures: createPictures(client), overlapMs };
  const feed = createFeed(client, overlapMs);
  const readableAfterMs = options.readableAfterMs ?? assumed.readableAfterMs;
  const finding = { ...desk, readableAfterMs, now: context.now ?? Date.now };
  const writing = { ...desk, ownerOf: createOwners(client, glossary, options), made: createMade(), options };
  const reading = (what: string, signal: AbortSignal): Call => ({ what, link: null, signal });

  return {
    traits,
    async ping(signal) {
      const query = { pageinate: true, page_size: 1, page_no: 1 };
      const list = { path: 'Tickets', key: 'tickets', query, row: ticketRow };
      await client.list(list, reading('Asking whether Halo answers', signal));
    },
    identity: (signal) => identityOf(context, baseUrl, signal),
    catalogue: async (signal) => (await glossary.reload(reading('Reading the catalogue', signal))).catalogue,
    feedStart: (signal) => feed.start(reading('Reading where to begin', signal)),
    goLive: (signal) => feed.goLive(reading('Reading where to begin', signal)),
    feedFrom: (instant) => Promise.resolve(feed.from(instant)),
    feed: (cursor, limit, signal) => feed.next(cursor, limit, reading('Reading which tickets changed', signal)),
    read: (ticketId, since, signal, after) =>
      readTicket(desk, ticketId, since, reading(`Reading ticket ${ticketId}`, signal), after),
    isDeleted: async (ticketId, signal) =>
      (await lookAt(client, ticketId, reading(`Reading ticket ${ticketId}`, signal)))?.deleted === true,
    steps: (command) => stepsOf(command, traits.noteMaxBytes),
    perform: (step, performing) => performStep(writing, step, performing),
    find: (step, marker, after, signal, others, clockOffsetMs) =>
      findStep(finding, step, { marker, after, others, clockOffsetMs }, reading('Looking for a write', signal)),
    openAttachment: (ticketId, attachmentId, signal) =>
      openFile(desk, ticketId, attachmentId, reading('Fetching a file', signal)),
  };
}

function traitsOf(options: HaloOptions): Traits {
  return {
    ids: 'count',
    overlapMs: options.overlapMs ?? assumed.overlapMs,
    settleMs: options.settleMs ?? assumed.settleMs,
    writeTimeoutMs: options.writeTimeoutMs ?? 30_000,
    concurrency: options.concurrency ?? 4,
    serializeCreates: true,
    showsReferences: true,
    noteMaxBytes: options.noteMaxBytes ?? 256 * 1024,
    limits: {
      subject: options.subjectMaxLength === undefined ? null : { most: options.subjectMaxLength, unit: 'characters' },
      field: options.fieldMaxLength === undefined ? null : { most: options.fieldMaxLength, unit: 'characters' },
      fileBytes: options.fileMaxBytes ?? null,
    },
    rate: options.rate === undefined ? { requests: assumed.requestLimit, windowMs: limitWindowMs } : options.rate,
  };
}

/** Request Tracker 5 through its REST2 API. Set-up in RT, rights and what is verified: docs/connectors/rt.md. */
import type { ConnectorContext, Helpdesk } from '#connectors/contract/helpdesk.ts';
import { createBoundedCache } from '#connectors/kit/bounded-cache.ts';
import { lookBack } from '#connectors/kit/overlap.ts';
import { readSettings } from '#connectors/kit/settings.ts';
import { openAttachment } from './attachment.ts';
import { catalogueOf } from './catalogue.ts';
import { createRtClient } from './client.ts';
import { feed, feedFrom, feedStart, goLive } from './feed.ts';
import { createFields } from './fields.ts';
import { find } from './find.ts';
import { markOf } from './mark.ts';
import { askIdentity, createPeople } from './people.ts';
import { readTicket } from './read.ts';
import { askTicket, mostDescriptions } from './ask.ts';
import type { Reader } from './ask.ts';
import { noteMaxBytes, stepsOf } from './steps.ts';
import { credentialsSchema, optionsSchema } from './wire.ts';
import { withFacts } from './ways.ts';
import { perform } from './write.ts';

export { createCheck } from './check.ts';

/** @throws HelpdeskError refused when credentials or options are not what wire.ts says */
export function createHelpdesk(context: ConnectorContext): Helpdesk {
  const given = readSettings(optionsSchema, context.options, 'options', context.instance);
  const options = withFacts(given, context);
  const { token } = readSettings(credentialsSchema, context.credentials, 'credentials', context.instance);
  const client = createRtClient(context, token);
  const now = (): number => performance.now();
  const reader: Reader = {
    client,
    options,
    fields: createFields(client, now),
    people: createPeople(client, token, now),
    descriptions: createBoundedCache(mostDescriptions),
  };
  return {
    traits: {
      ids: 'grow',
      overlapMs: options.overlapMs,
      settleMs: options.settleMs,
      writeTimeoutMs: options.writeTimeoutMs,
      concurrency: options.concurrency,
      serializeCreates: false,
      showsReferences: true,
      noteMaxBytes,
      // RT keeps subjects in 200 bytes and cuts without a word; longer values of fields go into a column without an end.
      limits: { subject: { most: 200, unit: 'bytes' }, fileBytes: options.fileMaxBytes ?? null },
      rate: null,
    },
    async ping(signal) {
      await askIdentity(client, token, signal);
    },
    identity: (signal) => markOf(client, options.remoteRefField, signal),
    catalogue: (signal) => catalogueOf(reader, signal),
    feedStart: (signal) => feedStart(client, options, signal),
    feed: (cursor, limit, signal) => feed(client, options, cursor, limit, signal),
    goLive: (signal) => goLive(client, options, signal),
    feedFrom: (instant, signal) => feedFrom(client, options, instant, signal),
    read: (ticketId, since, signal, after) => readTicket(reader, ticketId, since, signal, after),
    async isDeleted(ticketId, signal) {
      const found = await askTicket(reader, ticketId, signal);
      return found.kind === 'gone' && found.deleted === true;
    },
    steps: (command) => stepsOf(command, options),
    perform: (step, given) => perform(reader, step, given),
    find: (step, marker, after, signal, others, clockOffsetMs) =>
      find(reader, step, { marker, after: lookBack(after, 0, clockOffsetMs), others }, signal),
    openAttachment: (ticketId, attachmentId, signal) => openAttachment(client, ticketId, attachmentId, signal),
  };
}

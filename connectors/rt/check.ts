/** Probes for `ferry check`: whether this RT is set up as docs/connectors/rt.md says. They only read, but for those of a trial. */
import type { Checked, CreateCheck, Probe } from '#connectors/contract/check.ts';
import { nearestName } from '#core/words/nearest.ts';
import { createBoundedCache } from '#connectors/kit/bounded-cache.ts';
import { addressProbe, clockProbe, counted, identityProbe, remembering, verdictOf } from '#connectors/kit/check.ts';
import { noTrial } from '#connectors/kit/trial.ts';
import { readSettings } from '#connectors/kit/settings.ts';
import { ticketProbes } from './check-tickets.ts';
import { rtTrial } from './check-write.ts';
import { createRtClient, query } from './client.ts';
import { createFields } from './fields.ts';
import { markOf } from './mark.ts';
import { askIdentity, createPeople } from './people.ts';
import { mostDescriptions, type Reader } from './ask.ts';
import { credentialsSchema, linkedQueueSchema, optionsSchema, pageOf, queueSchema, versionSchema } from './wire.ts';

const again = 'Run setup.pl again, as docs/connectors/rt.md says.';

/** @throws HelpdeskError refused when credentials or options are not what wire.ts says */
export const createCheck: CreateCheck = (context, mapped, trial = null): Checked => {
  const options = readSettings(optionsSchema, context.options, 'options', context.instance);
  const { token } = readSettings(credentialsSchema, context.credentials, 'credentials', context.instance);
  const { http } = counted(context.http);
  const own = { ...context, http: remembering(http) };
  const client = createRtClient(own, token);
  const now = (): number => performance.now();
  const fields = createFields(client, now);
  const people = createPeople(client, token, now);
  const reader: Reader = { client, options, fields, people, descriptions: createBoundedCache(mostDescriptions) };
  const open = { url: `${client.base}/REST/2.0/rt`, http };
  const writing = { ...context, http, learned: undefined };
  const fresh: Reader = { ...reader, client: createRtClient(writing, token) };
  const { probes: trialProbes, cleanUp } = trial === null ? noTrial : rtTrial(writing, trial, mapped, fresh);
  const queues = [...new Set([...mapped.accounts, ...(options.queues ?? [])])];
  return {
    verdictOf,
    cleanUp,
    probes: [
      addressProbe(open),
      clockProbe(open, options.overlapMs),
      ...account(reader, token),
      identityProbe(
        async (signal) =>
          (await fields.byNames([options.remoteRefField], signal)).has(options.remoteRefField.toLowerCase())
            ? markOf(client, options.remoteRefField, signal)
            : undefined,
        'items[].Description',
        `${again} It leaves a mark by which Ferry knows this RT from another one.`,
      ),
      ...[options.remoteRefField, options.supplierRefField].map((name) => ownField(reader, name)),
      ...(options.categoryField === undefined ? [] : [mappedField(reader, options.categoryField)]),
      ...[...new Set(mapped.types.flatMap((type) => type.fields))].map((name) => mappedField(reader, name)),
      ...queues.map((name) => queueProbe(reader, name)),
      ...ticketProbes(reader, mapped),
      ...trialProbes,
      scrips(trial !== null),
    ],
  };
};

const about = 'instance';

function account({ client, options }: Reader, token: string): readonly Probe[] {
  return [
    {
      name: 'token',
      async run(signal) {
        await askIdentity(client, token, signal);
        return { verdict: 'ok' };
      },
    },
    {
      name: 'version',
      async run(signal) {
        const { value } = await client.get(
          '/rt',
          versionSchema,
          { what: 'tell its version', write: false, about },
          signal,
        );
        const facts = { version: value.Version };
        if (value.Version.startsWith('5.')) return { verdict: 'ok', saw: value.Version, facts };
        const fix = 'This connector was tried with RT 5 only.';
        return { verdict: 'differs', where: 'Version', saw: value.Version, fix, facts };
      },
    },
    {
      name: 'time zone',
      async run(signal) {
        const { timezone } = await askIdentity(client, token, signal);
        if (timezone === 'UTC' || (timezone === null && options.timezone !== undefined)) return { verdict: 'ok' };
        if (timezone === null)
          return { verdict: 'differs', where: 'Timezone', saw: 'the service user has none', fix: again };
        if (options.timezone !== undefined && options.timezone !== timezone)
          return {
            verdict: 'differs',
            where: 'Timezone',
            saw: `the service user has ${timezone}, the option says ${options.timezone}`,
            fix: `Leave option \`timezone\` out, or set it to ${timezone}.`,
          };
        return { verdict: 'ok', saw: `${timezone}; times within the hour that is repeated in autumn are ambiguous` };
      },
    },
  ];
}

/** A field that setup.pl makes. */
function ownField(reader: Reader, name: string): Probe {
  return fieldProbe(reader, 'own field', name, again);
}

function mappedField(reader: Reader, name: string): Probe {
  return fieldProbe(
    reader,
    'mapped field',
    name,
    'Correct the mapping, or make the field in RT and apply it to the queues.',
  );
}

function fieldProbe({ fields }: Reader, kind: string, name: string, fix: string): Probe {
  return {
    name: kind,
    about: name,
    async run(signal) {
      const known = await fields.all(signal);
      if (known.size === 0)
        return {
          verdict: 'not-allowed',
          where: 'items',
          saw: 'the service user sees no custom field',
          fix: `It lacks the right SeeCustomField, or RT has none. ${again}`,
        };
      const isThere = [...known.values()].some((field) => field.name.toLowerCase() === name.toLowerCase());
      if (isThere) return { verdict: 'ok' };
      return { verdict: 'differs', where: 'items[].Name', saw: 'there is no such custom field of tickets', fix };
    },
  };
}

/** A queue that a link or the options name: whether it is there, and what RT lets us do in it. */
function queueProbe({ client, options }: Reader, name: string): Probe {
  return {
    name: 'queue',
    about: name,
    async run(signal) {
      const purpose = { what: 'list its queues', write: false, about } as const;
      const path = `/queues/all${query({ fields: 'Name,Disabled', per_page: 100, orderby: 'Name' })}`;
      const { value } = await client.get(path, pageOf(queueSchema), purpose, signal);
      const found = value.items.find((queue) => queue.Name.toLowerCase() === name.toLowerCase());
      if (found === undefined) {
        const near = nearestName(
          name,
          value.items.map((queue) => queue.Name),
        );
        return {
          verdict: 'not-allowed',
          where: 'items[].Name',
          saw: `the service user sees no such queue${near === undefined ? '' : `; the nearest is "${near}"`}`,
          fix: `Correct the name, or give the right SeeQueue: setup.pl with --queue "${name}".`,
        };
      }
      if (found.Disabled === '1') return { verdict: 'differs', where: 'items[].Disabled', saw: 'it is disabled' };
      const what = { what: 'show a queue', write: false, about } as const;
      const { value: queue } = await client.get(`/queue/${found.id}`, linkedQueueSchema, what, signal);
      if (!queue._hyperlinks.some(({ ref }) => ref === 'create'))
        return {
          verdict: 'not-allowed',
          where: '_hyperlinks[].ref',
          saw: 'the service user may create no tickets in it',
          fix: `Give the rights of the service user: setup.pl with --queue "${name}".`,
        };
      const has = new Set(queue.TicketCustomFields.map((field) => field.name.toLowerCase()));
      const own = [options.remoteRefField, options.supplierRefField].filter((field) => !has.has(field.toLowerCase()));
      if (own.length === 0) return { verdict: 'ok' };
      return {
        verdict: 'differs',
        where: 'TicketCustomFields[].name',
        saw: `its tickets do not have ${own.join(' and ')}`,
        fix: `Run setup.pl with --queue "${name}".`,
      };
    },
  };
}

/** REST2 shows no scrips to anybody. @param isTried a trial shows what they do */
function scrips(isTried: boolean): Probe {
  return {
    name: 'scrips',
    async run() {
      if (isTried)
        return { verdict: 'ok', saw: 'RT shows none over REST; "by itself" says what they did to the trial' };
      return {
        verdict: 'unknown',
        saw: 'RT shows no scrips over REST; whether "Ferry: quiet writes" is first, and which others mail or change status, only a trial tells',
        fix: 'Try it with --write TICKET. setup.pl makes its scrips where they are missing, and prints what it did.',
      };
    },
  };
}

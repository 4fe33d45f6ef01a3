/** Probes for `ferry check`: each asks one thing that this connector takes for granted. They only read, but for those of a trial. */
import type { Checked, CreateCheck, Facts, Probe } from '#connectors/contract/check.ts';
import { addressProbe, clockProbe, counted, identityProbe, remembering, verdictOf } from '#connectors/kit/check.ts';
import type { Seen } from '#connectors/kit/check.ts';
import { noTrial } from '#connectors/kit/trial.ts';
import { identityOf } from './desk.ts';
import { readSettings } from '#connectors/kit/settings.ts';
import { baseOf } from './address.ts';
import { assumed } from './assumed.ts';
import { createGlossary } from './catalogue.ts';
import { feedProbes } from './check-feed.ts';
import { listProbes } from './check-lists.ts';
import { mappedProbes } from './check-mapped.ts';
import type { Asking } from './check-shape.ts';
import { ticketProbes } from './check-tickets.ts';
import { createClient } from './client.ts';
import { limitWindowMs } from './errors.ts';
import { createIdentity } from './identity.ts';
import { createPictures } from './pictures.ts';
import { haloTrial } from './check-write.ts';
import { createTokens } from './token.ts';
import type { Tokens } from './token.ts';
import { waysOf } from './ways.ts';
import { haloCredentials, haloOptions, me } from './wire.ts';

/** Scopes by name, docs/connectors/halo.md has what for. Each is covered by `all` and `all:standard` too. */
const scopes = ['edit:tickets', 'read:customers', 'read:suppliers', 'all:teams'] as const;
const widest: readonly string[] = ['all', 'all:standard'];

const leastOverlapMs = 2_000;

/** Throws `refused` when credentials or options are not as wire.ts defines them. */
export const createCheck: CreateCheck = (context, mapped, trial = null): Checked => {
  const credentials = readSettings(haloCredentials, context.credentials, 'credentials', context.instance);
  const options = readSettings(haloOptions, context.options, 'options', context.instance);
  const { http, seen } = counted(context.http);
  let learned: Facts = {};
  const learn = (facts: Facts): void => void (learned = { ...learned, ...facts });
  const own = { ...context, learn, http: remembering(http) };
  // What was found out before is to be found out again, not taken for granted.
  const ways = waysOf(undefined);
  const baseUrl = baseOf(context.url);
  const tokens = createTokens(own.http, baseUrl, credentials, options.scope ?? 'all');
  const client = createClient(own, tokens, ways);
  const overlapMs = options.overlapMs ?? assumed.overlapMs;
  const desk = {
    client,
    glossary: createGlossary(client, options, async (types) => types.map(({ name }) => ({ name }))),
    identity: createIdentity(client, credentials, options),
    pictures: createPictures(client),
    overlapMs,
  };
  const asking: Asking = {
    seen,
    desk,
    options,
    call: (what, signal) => ({ what, link: null, signal }),
  };
  const open = { url: `${baseUrl}/api/authinfo`, http };
  const { probes: trialProbes, cleanUp } =
    trial === null
      ? noTrial
      : haloTrial(
          { ...context, learn, http, learned: undefined },
          trial,
          mapped,
          createClient({ ...context, learn, http }, tokens, ways),
          () => (seen.posted === null ? {} : { posted: seen.posted }),
        );
  return {
    verdictOf,
    cleanUp,
    probes: [
      addressProbe({ ...open, http: own.http }),
      clockProbe(open, Math.max(leastOverlapMs, overlapMs)),
      identityProbe(
        (signal) => identityOf(own, baseUrl, signal),
        'auth_url',
        'Let it answer `/api/authinfo` with its tenant and where one signs in.',
      ),
      ...signIn(tokens, asking),
      ...listProbes(asking),
      ...feedProbes(asking),
      ...ticketProbes(asking, mapped),
      ...mappedProbes(asking, mapped),
      ...trialProbes,
      limits(seen, options.rate, () => learned),
    ],
  };
};

function signIn(tokens: Tokens, { desk, options, call }: Asking): readonly Probe[] {
  const granted = scopes.map((scope): Probe => ({
    name: 'scope',
    about: scope,
    async run(signal) {
      await tokens.get(signal);
      const given = tokens.granted();
      if (given === null) return { verdict: 'unknown', where: 'scope', saw: 'the reply for the token names none' };
      // A right to change includes the right to read.
      const covering = [scope, scope.replace(/^read:/, 'edit:'), ...widest];
      if (given.some((one) => covering.includes(one))) return { verdict: 'ok' };
      return {
        verdict: 'not-allowed',
        where: 'scope',
        fix: `Give the API application the scope ${scope}; where option \`scope\` is set, name it there too.`,
      };
    },
  }));
  return [
    {
      name: 'token',
      async run(signal) {
        await tokens.get(signal);
        return { verdict: 'ok' };
      },
    },
    ...granted,
    {
      name: 'own agent',
      async run(signal) {
        const { id } = await desk.client.get('Agent/me', {}, me, call('Asking who we are', signal));
        const own = { agentId: id };
        if (options.agentId === undefined || options.agentId === id) return { verdict: 'ok', saw: `agent ${id}`, own };
        return {
          verdict: 'differs',
          where: 'id',
          saw: `we sign in as agent ${id}, and the option says ${options.agentId}`,
          fix: `Set option \`agentId\` to ${id}, or leave it out.`,
          own,
        };
      },
    },
  ];
}

/** @param found what replies said by the way, their limit for one */
function limits(seen: Readonly<Seen>, rate: Asking['options']['rate'], found: () => Facts): Probe {
  return {
    name: 'limits',
    async run() {
      if (seen.slowDowns === 0) return { verdict: 'ok', saw: `${seen.requests} requests, none of them too many` };
      const facts = found();
      const said = facts['requestLimit'];
      const requests = rate?.requests ?? Number(said ?? assumed.requestLimit);
      const windowMs = rate?.windowMs ?? limitWindowMs;
      const words = said === undefined ? '' : `; it takes ${String(said)} in ${limitWindowMs / 1000} s`;
      return {
        verdict: 'differs',
        saw: `${seen.slowDowns} of ${seen.requests} requests were refused as too many${words}`,
        fix: `Somebody else may use this application, too. Ferry keeps to ${requests} in ${windowMs / 1000} s; option \`rate\` sets less.`,
        facts,
      };
    },
  };
}

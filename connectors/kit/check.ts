/** The probes for every type of helpdesk, and the meaning of a probe's errors. */
import type { Outcome, Probe } from '#connectors/contract/check.ts';
import { HelpdeskError } from '#connectors/contract/errors.ts';
import type { ConnectorContext } from '#connectors/contract/helpdesk.ts';
import type { HttpClient, HttpReply } from '#connectors/contract/http.ts';
import { coarseMs } from './learned.ts';

type Desk = Pick<ConnectorContext, 'url' | 'http'>;

/** A probe gives up after this long. Milliseconds. */
export const probeTimeoutMs = 15_000;

/** A certificate that expires sooner should be renewed. Milliseconds. */
const leastCertificateMs = 14 * 86_400_000;

/** Clocks that are further apart are wrong, and not only allowed for. Milliseconds. */
const mostApartMs = 300_000;

/** The header `Date` has whole seconds only. Milliseconds. */
const dateStepMs = 1_000;

const setUpCodes: readonly string[] = ['redirected', 'encoded-reply', 'not-json', 'not-utf-8', 'not-halo', 'not-rt'];
const rightCodes: readonly string[] = ['forbidden', 'insufficient-scope', 'not-permitted'];

/** Whether it is answered at all, and whether nobody on the way can read it. */
export function addressProbe({ url, http }: Desk): Probe {
  return {
    name: 'address',
    async run(signal) {
      const { protocol, hostname } = new URL(url);
      const reply = await http
        .request({ method: 'GET', url, signal, timeoutMs: probeTimeoutMs })
        .catch((error: unknown) => unreached(error, signal));
      if ('verdict' in reply) return reply;
      if (reply.status >= 500)
        return {
          verdict: 'differs',
          saw: `it answers with status ${reply.status}`,
          fix: 'See that the helpdesk is up, and that `url` is its address.',
        };
      if (protocol === 'https:') return certificateOutcome(await http.certificateEnd?.(url, signal));
      if (isThisMachine(hostname)) return { verdict: 'ok', saw: 'http, on this machine only' };
      return {
        verdict: 'differs',
        saw: 'plain http: anybody on the way can read our credentials',
        fix: 'Give the helpdesk a certificate, and write https in `url`.',
      };
    },
  };
}

/** By the code of what went wrong; what is not listed shows nothing of the set-up. */
const addressFixes: Readonly<Record<string, string>> = {
  'name-not-found': 'Correct `url`, or let the name server of this machine know the name.',
  'connection-refused': 'Correct `url`, port included, and see that the helpdesk is up.',
  'connection-reset': 'See that the helpdesk is up, and that `url` has the right scheme, http or https.',
  'connect-timeout': 'Correct `url`, and see that firewalls let this machine reach the helpdesk.',
  unreachable: 'Correct `url`, and see that this machine has a way to the network of the helpdesk.',
  timeout: 'See that the helpdesk is up, and that `url` is its address.',
  network: 'Correct `url`, and see that the helpdesk is up.',
};

/** By the name that Node gives the fault. */
const certificateFixes: readonly (readonly [RegExp, string])[] = [
  [/EXPIRED/, 'Renew the certificate of the helpdesk; until then nothing is sent there.'],
  [/NOT_YET_VALID/, 'Set the clock of this machine by NTP, or give the helpdesk a certificate that is valid now.'],
  [/ALTNAME/, 'Write in `url` the name that the certificate is for, or give the helpdesk one for this name.'],
  [
    /SELF_SIGNED|UNABLE_TO|LOCAL_ISSUER/,
    'Give the helpdesk a certificate of an authority that this machine trusts, with all that lie between; one of your own is named in NODE_EXTRA_CA_CERTS.',
  ],
];

/** Nobody is at that address, or not whom we want: then nothing else can be found out either. */
function unreached(error: unknown, signal: AbortSignal): Outcome {
  if (!(error instanceof HelpdeskError) || signal.aborted) throw error;
  const saw = error.message;
  if (error.code === 'tls') {
    const [, fix = 'See that `url` has the right scheme and port.'] =
      certificateFixes.find(([code]) => code.test(String(error.cause))) ?? [];
    return { verdict: 'differs', saw, fix };
  }
  const fix = addressFixes[error.code];
  if (fix === undefined) throw error;
  return { verdict: 'differs', saw, fix };
}

/**
 * Whether it says which helpdesk it is.
 * @param ask undefined: what would say it is not there, which another probe tells @param fix what to do where it does not
 */
export function identityProbe(
  ask: (signal: AbortSignal) => Promise<string | null | undefined>,
  where: string,
  fix: string,
): Probe {
  return {
    name: 'which desk',
    async run(signal) {
      const told = await ask(signal);
      if (told === undefined) return { verdict: 'unknown', where };
      if (told !== null) return { verdict: 'ok' };
      return { verdict: 'differs', where, saw: 'it does not say which helpdesk it is', fix };
    },
  };
}

function certificateOutcome(end: Date | null | undefined): Outcome {
  const trusted = 'https, with a certificate that is trusted';
  if (end === null || end === undefined) return { verdict: 'ok', saw: trusted };
  const days = Math.floor((end.getTime() - Date.now()) / 86_400_000);
  if (end.getTime() - Date.now() >= leastCertificateMs)
    return { verdict: 'ok', saw: `${trusted} for ${days} days more` };
  return {
    verdict: 'differs',
    saw: `its certificate ends in ${days} days; after that nothing is sent there`,
    fix: 'Renew the certificate of the helpdesk.',
  };
}

function isThisMachine(hostname: string): boolean {
  return /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/.test(hostname);
}

/** @param mostMs how far the two clocks may be apart without being allowed for, by the connector's `overlapMs` */
export function clockProbe({ url, http }: Desk, mostMs: number, now: () => number = Date.now): Probe {
  return {
    name: 'clock',
    async run(signal) {
      const before = now();
      const { headers } = await http.request({ method: 'GET', url, signal, timeoutMs: probeTimeoutMs });
      const after = now();
      const theirs = Date.parse(headers['date'] ?? '');
      if (Number.isNaN(theirs)) return { verdict: 'unknown', where: 'header Date', saw: 'it tells no time' };
      // Theirs was read somewhen between the two, and its fraction is cut off.
      const ahead = Math.max(0, theirs - after);
      const behind = Math.max(0, before - theirs - dateStepMs);
      const apart = Math.max(ahead, behind);
      if (apart <= mostMs) return { verdict: 'ok', saw: `less than ${seconds(apart + dateStepMs)} apart` };
      const clockApartMs = coarseMs(apart);
      if (apart <= mostApartMs)
        return {
          verdict: 'ok',
          where: 'header Date',
          saw: `its clock is ${seconds(apart)} ${ahead > 0 ? 'ahead' : 'behind'}, which is allowed for from now on`,
          fix: 'Set both clocks by NTP; without that, changes are read twice and settle later.',
          facts: { clockApartMs },
        };
      return {
        verdict: 'differs',
        where: 'header Date',
        saw: `its clock is ${seconds(apart)} ${ahead > 0 ? 'ahead' : 'behind'}; at most ${seconds(mostApartMs)} is allowed for`,
        fix: 'Set both clocks by NTP.',
      };
    },
  };
}

function seconds(ms: number): string {
  return `${Math.ceil(ms / 1000)} s`;
}

/** What it means for a probe that its request failed. What is no HelpdeskError is a fault of ours, and no verdict. */
export function verdictOf(error: unknown): Outcome {
  if (!(error instanceof HelpdeskError)) throw error;
  const saw = error.message;
  if (error.class === 'auth' || rightCodes.includes(error.code)) return { verdict: 'not-allowed', saw };
  if (error.class === 'refused' || setUpCodes.includes(error.code) || error.code === 'tls')
    return { verdict: 'differs', saw };
  return { verdict: 'unknown', saw };
}

/** `transfers`: requests for files. `slowDowns`: those that were refused as too many. `posted`: what the last POST was answered with. */
export type Seen = { requests: number; transfers: number; slowDowns: number; posted: 'object' | 'array' | null };

/** The same client, that also counts. */
export function counted(http: HttpClient): {
  readonly http: HttpClient;
  readonly seen: Seen;
} {
  const seen: Seen = { requests: 0, transfers: 0, slowDowns: 0, posted: null };
  const note = <R extends { readonly status: number }>(reply: R): R => {
    if (reply.status === 429) seen.slowDowns++;
    return reply;
  };
  return {
    seen,
    http: {
      ...http,
      async request(request) {
        seen.requests++;
        const reply = note(await http.request(request));
        const isWrite = request.method === 'POST' && reply.status === 201;
        if (isWrite) seen.posted = reply.text.trimStart().startsWith('[') ? 'array' : 'object';
        return reply;
      },
      stream: async (request) => (seen.requests++, seen.transfers++, note(await http.stream(request))),
    },
  };
}

/** Replies that are larger are asked for again. Characters. */
const mostRemembered = 2 * 1024 * 1024;

/** The same client, for probes that only read: what one of them was answered with success is not asked for twice. */
export function remembering(http: HttpClient): HttpClient {
  const known = new Map<string, HttpReply>();
  return {
    ...http,
    async request(request) {
      if (request.method !== 'GET') return http.request(request);
      const before = known.get(request.url);
      if (before !== undefined) return before;
      const reply = await http.request(request);
      if (reply.status === 200 && reply.text.length <= mostRemembered) known.set(request.url, reply);
      return reply;
    },
  };
}

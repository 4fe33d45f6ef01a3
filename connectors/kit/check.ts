/** Probes that every helpdesk has, and what an error that a probe met means. */
import type { Outcome, Probe } from '#connectors/contract/check.ts';
import { HelpdeskError } from '#connectors/contract/errors.ts';
import type { ConnectorContext } from '#connectors/contract/helpdesk.ts';
import type { HttpClient } from '#connectors/contract/http.ts';

type Desk = Pick<ConnectorContext, 'url' | 'http'>;

/** A probe gives up after this long. Milliseconds. */
export const probeTimeoutMs = 15_000;

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
      await http.request({ method: 'GET', url, signal, timeoutMs: probeTimeoutMs });
      if (protocol === 'https:') return { verdict: 'ok', saw: 'https, with a certificate that is trusted' };
      if (isThisMachine(hostname)) return { verdict: 'ok', saw: 'http, on this machine only' };
      return {
        verdict: 'differs',
        saw: 'plain http: anybody on the way can read our credentials',
        fix: 'Give the helpdesk a certificate, and write https in `url`.',
      };
    },
  };
}

/** Whether it says which helpdesk it is. @param fix what to do where it does not */
export function identityProbe(ask: (signal: AbortSignal) => Promise<string | null>, where: string, fix: string): Probe {
  return {
    name: 'which desk',
    async run(signal) {
      if ((await ask(signal)) !== null) return { verdict: 'ok' };
      return { verdict: 'differs', where, saw: 'it does not say which helpdesk it is', fix };
    },
  };
}

function isThisMachine(hostname: string): boolean {
  return /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/.test(hostname);
}

/** @param mostMs how far the two clocks may be apart, by the connector's `overlapMs` */
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
      return {
        verdict: 'differs',
        where: 'header Date',
        saw: `its clock is ${seconds(apart)} ${ahead > 0 ? 'ahead' : 'behind'}; at most ${seconds(mostMs)} is allowed for`,
        fix: 'Set both clocks by NTP, or raise the option `overlapMs`.',
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

/** The same client, that also counts. */
export function counted(http: HttpClient): {
  readonly http: HttpClient;
  readonly seen: { requests: number; slowDowns: number };
} {
  const seen = { requests: 0, slowDowns: 0 };
  const note = <R extends { readonly status: number }>(reply: R): R => {
    if (reply.status === 429) seen.slowDowns++;
    return reply;
  };
  return {
    seen,
    http: {
      request: async (request) => (seen.requests++, note(await http.request(request))),
      stream: async (request) => (seen.requests++, note(await http.stream(request))),
    },
  };
}

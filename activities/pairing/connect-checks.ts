/**
 * Checks a link in our direction: whether we reach the other side, whether it is who it claims to be, and whether what
 * will be sent gets through. Each result says what was found and, if it failed, what to do.
 */
import { createHash } from 'node:crypto';
import { HelpdeskError } from '#connectors/contract/errors.ts';
import type { LinkCalls } from '#protocols/ferry/link-calls.ts';
import { cutText } from '#core/text/text.ts';
import type { Catalogue } from '#core/words/vocabulary.ts';
import { wireLimits, type WireCheck, type WireLink } from '#core/wire.ts';

export const checkNames = [
  'reachability',
  'tls',
  'redirects',
  'identity',
  'clock',
  'body',
  'attachment',
  'offer',
] as const;
export type CheckName = (typeof checkNames)[number];

export type CheckTarget = {
  readonly issuer: string;
  /** The other side's own name for the link. */
  readonly farLink: string;
};

export type CheckRun = {
  /** Asks who answers at the issuer's URL. */
  readonly identify: (issuer: string, signal: AbortSignal) => Promise<unknown>;
  readonly calls: Pick<LinkCalls, 'link' | 'issuer' | 'catalogue' | 'pad' | 'putFile' | 'digestThere'>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Receives each result as it becomes known. */
  readonly found: (check: WireCheck) => Promise<void>;
  readonly signal: AbortSignal;
};

export type CheckResult = { readonly said: WireLink | null; readonly catalogue: Catalogue | null };

/** A larger offset is a fault: assertions and tokens are refused beyond it. */
export const mostClockOffsetMs = 30_000;
/** Larger than proxies let through by default. */
const fileBytes = 2 * 1024 * 1024;
/** Space for headers that count towards the limit. */
const bodyMargin = 4 * 1024;

export async function runChecks(run: CheckRun, target: CheckTarget): Promise<CheckResult> {
  const say = (name: CheckName, ok: boolean, text: string): Promise<void> =>
    run.found({ name, ok, text: cutText(text, 2_000) });
  const { host, protocol } = new URL(target.issuer);
  try {
    await run.identify(target.issuer, run.signal);
  } catch (error) {
    await sayUnreached(say, host, error);
    return { said: null, catalogue: null };
  }
  await say('reachability', true, `${host} answers.`);
  await say(
    'tls',
    true,
    protocol === 'https:'
      ? 'https, with a certificate that is trusted here.'
      : `plain http, without TLS: this gateway's configuration allows it for ${host}. Use https outside of a test.`,
  );
  await say('redirects', true, 'none.');

  const said = await identity(run, target, say);
  if (said === null) return { said: null, catalogue: null };
  await bodyLimits(run, host, said, say);
  await attachment(run, host, say);
  return { said, catalogue: await offer(run, say) };
}

type Say = (name: CheckName, ok: boolean, text: string) => Promise<void>;

async function sayUnreached(say: Say, host: string, error: unknown): Promise<void> {
  const { code, message } = known(error);
  if (code === 'redirected') {
    await say('reachability', true, `${host} answers.`);
    return say(
      'redirects',
      false,
      `${host} answers with a redirect, and redirects are never followed. Set FERRY_PUBLIC_URL there to the URL that it redirects to, and pair again with a new code.`,
    );
  }
  if (code === 'tls') {
    await say('reachability', true, `${host} can be connected to.`);
    return say(
      'tls',
      false,
      `The certificate of ${host} is not accepted here (${message}). Renew it, serve its whole chain, and check its name; for an authority of your own set NODE_EXTRA_CA_CERTS where Ferry runs.`,
    );
  }
  if (code === 'issuer-mismatch' || code === 'not-ferry') {
    await say('reachability', true, `${host} answers.`);
    return say('identity', false, message);
  }
  return say(
    'reachability',
    false,
    `${message} Check that the other gateway runs, that its name resolves here, and that firewalls on both sides let https through.`,
  );
}

/** Requests a token with our key, and checks that the answering side uses the same names for itself and the link. */
async function identity(run: CheckRun, target: CheckTarget, say: Say): Promise<WireLink | null> {
  try {
    const before = run.now();
    const said = await run.calls.link(run.signal);
    const issuer = await run.calls.issuer(run.signal);
    if (issuer !== target.issuer || said.link !== target.farLink) {
      await say(
        'identity',
        false,
        `It responds as ${issuer === target.issuer ? `the link ${said.link}` : issuer} instead of ${issuer === target.issuer ? target.farLink : target.issuer}. Pair again with a new code.`,
      );
      return null;
    }
    await say('identity', true, `${issuer}; its keys are published, and ours are accepted there.`);
    await clock(before, run.now(), said, say);
    return said;
  } catch (error) {
    const { code, message } = known(error);
    await say(
      'identity',
      false,
      code === 'auth'
        ? `Our key is not accepted there: ${message} Check there that our key set can be reached from its network, and that the clocks of both machines are right.`
        : `Its identity could not be read: ${message} Check proxies and firewalls between the two gateways, then check again.`,
    );
    return null;
  }
}

async function clock(before: number, after: number, said: WireLink, say: Say): Promise<void> {
  const offsetMs = Math.round(Date.parse(said.now) - (before + after) / 2);
  const isOff = Math.abs(offsetMs) > mostClockOffsetMs;
  const far = `${Math.abs(offsetMs) < 2_000 ? `${Math.abs(offsetMs)} ms` : `${Math.round(Math.abs(offsetMs) / 1000)} s`} ${offsetMs < 0 ? 'behind' : 'ahead of'} ours`;
  await say(
    'clock',
    !isOff,
    isOff
      ? `The other side's clock is ${far}; at most ${mostClockOffsetMs / 1000} s are allowed. Set both machines' clocks by NTP, then check again.`
      : `the other side's is ${far}.`,
  );
}

async function bodyLimits(run: CheckRun, host: string, said: WireLink, say: Say): Promise<void> {
  const bytes = Math.min(said.limits.bodyBytes, wireLimits.bodyBytes) - bodyMargin;
  try {
    const arrived = await run.calls.pad(bytes, run.signal);
    if (arrived === bytes) return await say('body', true, `${kib(bytes)} get through.`);
    await say('body', false, `Only ${arrived} of ${bytes} bytes arrived. Check proxies between the two gateways.`);
  } catch (error) {
    await say(
      'body',
      false,
      `A body of ${kib(bytes)} does not get through to ${host}: ${known(error).message} Let a proxy before that gateway pass 1 MiB (nginx: client_max_body_size), then check again.`,
    );
  }
}

async function attachment(run: CheckRun, host: string, say: Say): Promise<void> {
  // The same bytes every time, so that they are stored only once.
  const bytes = Buffer.alloc(fileBytes, 'Ferry checks that a file gets through.\n');
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  try {
    await run.calls.putFile(bytes, run.signal);
    const there = await run.calls.digestThere(sha256, run.signal);
    if (there !== null && there !== sha256)
      return await say(
        'attachment',
        false,
        `A file came back from ${host} with different contents. Check proxies between the two gateways.`,
      );
    await say(
      'attachment',
      true,
      `a file of ${kib(fileBytes)} arrives${there === null ? '' : ', and comes back the same'}.`,
    );
  } catch (error) {
    await say(
      'attachment',
      false,
      `A file of ${kib(fileBytes)} does not get through to ${host}: ${known(error).message} Let a proxy before that gateway pass large bodies of PUT unbuffered (nginx: client_max_body_size, proxy_request_buffering off), and check that its disk has room.`,
    );
  }
}

async function offer(run: CheckRun, say: Say): Promise<Catalogue | null> {
  try {
    const catalogue = await run.calls.catalogue(run.signal);
    const { kinds, statuses, categories, fields } = catalogue;
    await say(
      'offer',
      true,
      kinds.length === 0 && statuses.length === 0
        ? 'nothing yet: the other side has not set up its side (ferry apply there).'
        : `${kinds.length} action kinds, ${statuses.length} statuses, ${categories.length} categories, ${fields.length} fields.`,
    );
    return catalogue;
  } catch (error) {
    await say(
      'offer',
      false,
      `Its catalogue could not be read: ${known(error).message} Check again; if this repeats, see the other gateway's log.`,
    );
    return null;
  }
}

function kib(bytes: number): string {
  return bytes >= 1024 * 1024
    ? `${Math.round((bytes / 1024 / 1024) * 10) / 10} MiB`
    : `${Math.round(bytes / 1024)} KiB`;
}

function known(error: unknown): { readonly code: string; readonly message: string } {
  if (!(error instanceof HelpdeskError)) throw error;
  const message = /[.!?]$/.test(error.message) ? error.message : `${error.message}.`;
  return { code: error.class === 'auth' ? 'auth' : error.code, message };
}

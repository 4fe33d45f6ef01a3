/** Calls the other gateway about a link itself: its state, its checks, its catalogue, its end. */
import { createHash } from 'node:crypto';
import type { HttpCall, HttpClient, HttpMethod, HttpReply } from '#connectors/contract/http.ts';
import { wireChecked, wireLink, type WireCheck, type WireChecked, type WireLink } from '#core/wire.ts';
import type { Catalogue } from '#core/words/vocabulary.ts';
import { answered, problemOf } from './answers.ts';
import { clockDiffers } from './token-failure.ts';
import { peerCatalogue } from './wire.ts';

/** protocols/ferry/tokens.ts has the real ones. */
export type Tokens = {
  authorization(method: string, url: string): Promise<Record<string, string>>;
  /** Reports that the current token was not accepted. */
  forget(): void;
  /** As in TokenSource. */
  dating(): (date: string | undefined) => boolean;
};

export type LinkCallsContext = {
  /** Base URL of the other gateway's API. */
  readonly api: string;
  readonly http: HttpClient;
  readonly tokens: Tokens;
};

/** All throw HelpdeskError. */
export type LinkCalls = {
  link(signal: AbortSignal): Promise<WireLink>;
  /** Returns the issuer that the other side claims to be. */
  issuer(signal: AbortSignal): Promise<string>;
  catalogue(signal: AbortSignal): Promise<Catalogue>;
  /** Sends our results of a run and asks for theirs. */
  checks(run: string, checks: readonly WireCheck[], signal: AbortSignal): Promise<WireChecked>;
  /** Sends a body of this many bytes, and returns how many arrived. */
  pad(bytes: number, signal: AbortSignal): Promise<number>;
  putFile(bytes: Uint8Array, signal: AbortSignal): Promise<void>;
  /** Returns the SHA-256, in hex, of the file with that digest; null if it does not exist or is not shown. */
  digestThere(sha256: string, signal: AbortSignal): Promise<string | null>;
  close(text: string | undefined, signal: AbortSignal): Promise<void>;
};

const timeoutMs = 20_000;

export function createLinkCalls({ api, http, tokens }: LinkCallsContext): LinkCalls {
  /** Gets a new token once, if the current one was just revoked or replaced. */
  async function send(
    request: Omit<HttpCall, 'url' | 'headers'> & HttpMethod & { path: string; headers?: HttpCall['headers'] },
  ) {
    const { path, ...rest } = request;
    const url = api + path;
    for (let isFirst = true; ; isFirst = false) {
      const authorization = await tokens.authorization(request.method, url);
      const headers = { accept: 'application/json', ...request.headers, ...authorization };
      const isExplained = tokens.dating();
      const reply = await http.request({ timeoutMs, ...rest, url, headers });
      if (reply.status !== 401) return { reply, url };
      const byClock = isExplained(reply.headers['date']);
      if (!isFirst && byClock) throw clockDiffers(url, 0);
      if (!isFirst) return { reply, url };
      tokens.forget();
    }
  }

  async function get(path: string, signal: AbortSignal): Promise<{ reply: HttpReply; url: string }> {
    const sent = await send({ method: 'GET', path, signal });
    if (sent.reply.status !== 200) throw problemOf(sent.reply, sent.url);
    return sent;
  }

  async function post(path: string, body: unknown, signal: AbortSignal): Promise<{ reply: HttpReply; url: string }> {
    const headers = { 'content-type': 'application/json' };
    const sent = await send({ method: 'POST', notAfter: null, path, body: JSON.stringify(body), headers, signal });
    if (sent.reply.status !== 200) throw problemOf(sent.reply, sent.url);
    return sent;
  }

  return {
    async link(signal) {
      const { reply, url } = await get('/v1/link', signal);
      return answered(reply, url, wireLink);
    },
    async issuer(signal) {
      const { reply, url } = await get('/v1/instance', signal);
      return answered(reply, url, namesIssuer);
    },
    async catalogue(signal) {
      const { reply, url } = await get('/v1/catalogue', signal);
      return answered(reply, url, peerCatalogue);
    },
    async checks(run, checks, signal) {
      const { reply, url } = await post('/v1/link/checks', { run, checks }, signal);
      return answered(reply, url, wireChecked);
    },
    async pad(bytes, signal) {
      const around = JSON.stringify({ padding: '' }).length;
      const { reply, url } = await post(
        '/v1/link/checks',
        { padding: 'x'.repeat(Math.max(0, bytes - around)) },
        signal,
      );
      return answered(reply, url, wireChecked).bytes;
    },
    async putFile(bytes, signal) {
      const digest = createHash('sha256').update(bytes).digest();
      const { reply, url } = await send({
        method: 'PUT',
        notAfter: null,
        path: `/v1/attachments/${digest.toString('hex')}`,
        headers: {
          'content-type': 'application/octet-stream',
          'content-digest': `sha-256=:${digest.toString('base64')}:`,
          'content-length': String(bytes.byteLength),
        },
        body: bytes,
        signal,
        timeoutMs: 60_000,
      });
      if (reply.status < 200 || reply.status > 299) throw problemOf(reply, url);
    },
    async digestThere(sha256, signal) {
      const url = `${api}/v1/attachments/${sha256}`;
      const headers = await tokens.authorization('GET', url);
      const { status, stream } = await http.stream({ method: 'GET', url, headers, signal, timeoutMs: 60_000 });
      const hash = createHash('sha256');
      for await (const chunk of stream) hash.update(chunk as Uint8Array);
      return status === 200 ? hash.digest('hex') : null;
    },
    async close(text, signal) {
      await post('/v1/link/close', text === undefined ? {} : { text }, signal);
    },
  };
}

/** Ignores unknown keys, which newer versions may add. */
const namesIssuer = {
  safeParse(value: unknown) {
    const { issuer } = (value ?? {}) as { issuer?: unknown };
    return typeof issuer === 'string' ? ({ success: true, data: issuer } as const) : ({ success: false } as const);
  },
};

/**
 * Sends a request's body piece by piece, each only after the socket has taken the previous one. So a process that was frozen in the
 * middle of a body checks the clock before it sends the rest, without which the request is incomplete.
 */
import { Readable } from 'node:stream';
import type { HttpRequest } from '#connectors/contract/http.ts';
import { lookEveryMs, type TransferLimits } from './transfer.ts';

export type SentBody = {
  readonly body: string | Uint8Array | AsyncIterable<Uint8Array> | null;
  /** Of the body; what the request says itself counts. */
  readonly headers: Readonly<Record<string, string>>;
  stop(): void;
};

export type BodyWatch = {
  readonly limits: TransferLimits;
  /** Called once where the other side takes nothing of a stream, or does not answer after it. */
  readonly late: () => void;
  /** Throws where nothing more may be sent. */
  readonly check: () => void;
};

/** What is no longer than this goes with the header, in one write. Bytes. */
const pieceBytes = 16 * 1024;

export function bodyOf({ body, ...request }: HttpRequest, watch: BodyWatch): SentBody {
  if (body instanceof Readable) return streamed(body, watch);
  const whole = { body: body ?? null, headers: {}, stop: () => undefined };
  if (body === undefined || !('notAfter' in request) || request.notAfter === null) return whole;
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  if (bytes.byteLength <= pieceBytes) return whole;
  return { ...whole, body: pieces(bytes, watch.check), headers: { 'content-length': String(bytes.byteLength) } };
}

async function* pieces(bytes: Uint8Array, check: () => void): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength; at += pieceBytes) {
    check();
    yield bytes.subarray(at, at + pieceBytes);
  }
}

function streamed(body: Readable, { limits, late, check }: BodyWatch): SentBody {
  let lastAt = performance.now();
  const timer = setInterval(() => {
    if (performance.now() - lastAt < limits.untakenMs) return;
    clearInterval(timer);
    late();
  }, lookEveryMs);
  async function* chunks(): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of body as AsyncIterable<Uint8Array>) {
        lastAt = performance.now();
        check();
        yield chunk;
      }
      lastAt = performance.now();
      check();
    } finally {
      body.on('error', () => undefined).destroy();
    }
  }
  return { body: chunks(), headers: {}, stop: () => clearInterval(timer) };
}

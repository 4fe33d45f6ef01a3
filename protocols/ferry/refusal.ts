/**
 * Classifies a peer's failures for the courier. Only a problem in Ferry's own format is a refusal: a proxy's page says nothing
 * about what was sent.
 */
import type { HttpReply } from '#connectors/contract/http.ts';
import { cleanText, cutText } from '#core/text/text.ts';
import { pauseOf } from '#core/words/retry.ts';
import { HelpdeskError } from '#connectors/contract/errors.ts';
import { problem } from './wire.ts';

/** The pause if the peer asks for one without a duration. */
const unsaidPauseMs = 60_000;
const mostWords = 500;

export function refusalOf(reply: HttpReply, issuer: string): HelpdeskError {
  const { code, words } = problemIn(reply);
  const said = `${issuer} answered ${reply.status}${words === '' ? '' : `: ${words}`}`;
  const { status } = reply;
  if (status === 401 || (status === 403 && code !== null)) {
    return new HelpdeskError(
      'auth',
      code ?? 'token-refused',
      `${issuer} does not accept our token. Check the link there, or rotate its credentials.`,
    );
  }
  if (status === 413) return new HelpdeskError('refused', 'body-too-large', said);
  if (status >= 400 && status < 500 && status !== 429 && code === null) {
    return new HelpdeskError(
      'retry',
      'bad-answer',
      `${said}. A gateway does not answer like this; check the proxies before it.`,
    );
  }
  if (status === 404) return new HelpdeskError('gone', code ?? 'not-found', said);
  // 507: the peer has no room for now; its next answers say when it has.
  if (status === 429 || status === 507 || (status === 503 && reply.headers['retry-after'] !== undefined)) {
    return new HelpdeskError('slow-down', code ?? 'slow-down', said, {
      retryAfterMs: pauseOf(reply.headers['retry-after'], Date.now()) ?? unsaidPauseMs,
    });
  }
  if (status === 408 || status === 425 || status >= 500 || status < 400) {
    return new HelpdeskError('retry', status < 400 ? 'bad-answer' : (code ?? 'unavailable'), said);
  }
  return new HelpdeskError('refused', code ?? `status-${status}`, said);
}

function problemIn(reply: HttpReply): { readonly code: string | null; readonly words: string } {
  let json: unknown = null;
  try {
    json = JSON.parse(reply.text);
  } catch {
    // A proxy's page, or nothing at all.
  }
  const parsed = problem.safeParse(json);
  if (!parsed.success) return { code: null, words: '' };
  const { type = '', title = '', detail = '' } = parsed.data;
  const [, code] = /^urn:ferry:problem:([a-z0-9-]{1,64})$/.exec(type) ?? [];
  const words = cutText(cleanText(detail === '' ? title : detail), mostWords);
  return { code: code ?? null, words };
}

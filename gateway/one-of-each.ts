/**
 * Refuses requests that repeat a header which must be unique. The platform silently takes the first one, but a proxy before this
 * gateway may have used the other. Two Authorization headers are answered like an invalid token.
 */
import type { IncomingMessage } from 'node:http';
import { problem } from './problems.ts';

const once = new Set([
  'host',
  'dpop',
  'content-type',
  'content-length',
  'content-encoding',
  'content-digest',
  'transfer-encoding',
  'range',
  'if-match',
]);

/** Returns the fault, or null. @param raw names and values in turn, as in `IncomingMessage.rawHeaders` */
export function repeatedHeader(raw: IncomingMessage['rawHeaders']): string | null {
  const seen = new Set<string>();
  for (let at = 0; at < raw.length; at += 2) {
    const name = (raw[at] ?? '').toLowerCase();
    if (!once.has(name)) continue;
    if (seen.has(name)) return name;
    seen.add(name);
  }
  return null;
}

type Fetch = (request: Request, env: unknown) => Response | Promise<Response>;

/** Answers 400 to such a request. */
export function oneOfEach(fetch: Fetch): Fetch {
  return (request, env) => {
    const { incoming } = env as { readonly incoming?: Pick<IncomingMessage, 'rawHeaders'> };
    const twice = incoming === undefined ? null : repeatedHeader(incoming.rawHeaders);
    if (twice === null) return fetch(request, env);
    return problem('repeated-header', `Send ${twice} once.`, { connection: 'close' });
  };
}

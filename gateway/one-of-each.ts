/**
 * A header that counts once must come once. Where it comes twice, what stands before this gateway may have read the other
 * one, so nobody can say what was meant. The platform takes the first and says nothing. Two of Authorization are no token
 * that works, and are answered so.
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

/** Null: there is nothing wrong. @param raw names and values by turns, as `IncomingMessage.rawHeaders` has them */
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

/** Answers 400 instead of passing such a request on. */
export function oneOfEach(fetch: Fetch): Fetch {
  return (request, env) => {
    const { incoming } = env as { readonly incoming?: Pick<IncomingMessage, 'rawHeaders'> };
    const twice = incoming === undefined ? null : repeatedHeader(incoming.rawHeaders);
    if (twice === null) return fetch(request, env);
    return problem('repeated-header', `Send ${twice} once.`, { connection: 'close' });
  };
}

/** Makes oauth4webapi use the guarded HTTP client for all its requests. */
import type { HttpClient, HttpRequest } from '#connectors/contract/http.ts';

export type FetchOptions = {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly signal?: AbortSignal | undefined;
};

const patienceMs = 10_000;
const maxBytes = 256 * 1024;

export function oauthFetch(http: HttpClient): (url: string, options: FetchOptions) => Promise<Response> {
  return async (url, options) => {
    const { body, signal } = options;
    const reply = await http.request({
      method: options.method as HttpRequest['method'],
      // An unused token does no harm.
      notAfter: null,
      url,
      headers: { ...options.headers },
      ...(body === undefined || body === null ? {} : { body: String(body as URLSearchParams | string) }),
      signal: signal ?? new AbortController().signal,
      timeoutMs: patienceMs,
      maxBytes,
    });
    const headers = Object.entries(reply.headers).filter(
      (entry): entry is [string, string] => typeof entry[1] === 'string',
    );
    const isBodiless = reply.status === 204 || reply.status === 304;
    return new Response(isBodiless ? null : reply.text, { status: reply.status, headers });
  };
}

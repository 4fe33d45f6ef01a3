/**
 * A connector to a twin whose replies are changed on the way, for answers that a Halo may give and the twin never does.
 */
import type { ConnectorContext, Helpdesk } from '#connectors/contract/helpdesk.ts';
import type { HttpClient, HttpRequest } from '#connectors/contract/http.ts';
import type { HaloBench } from './harness.ts';

export type Changed = {
  readonly desk: Helpdesk;
  /** Every request that it makes. */
  readonly seen: HttpRequest[];
  readonly notices: string[];
};

/** @param change gets the path behind `/api/` and the JSON, and gives another one; its third argument is the whole URL */
export function changedAt(
  bench: Pick<HaloBench, 'connect'>,
  http: HttpClient,
  change: (path: string, body: unknown, url: URL) => unknown,
  over: Partial<ConnectorContext> = {},
): Changed {
  const seen: HttpRequest[] = [];
  const notices: string[] = [];
  const altered: HttpClient = {
    async request(request) {
      seen.push(request);
      const reply = await http.request(request);
      if (!/json/.test(reply.headers['content-type'] ?? '')) return reply;
      const url = new URL(request.url);
      const text = JSON.stringify(change(url.pathname.replace('/api/', ''), JSON.parse(reply.text), url));
      return { ...reply, text };
    },
    stream(request) {
      seen.push(request);
      return http.stream(request);
    },
  };
  const notice = (code: string, text: string): void => void notices.push(`${code}: ${text}`);
  return { desk: bench.connect({ http: altered, notice, ...over }), seen, notices };
}

/** The rows of a list in any form. */
export function rowsOf(body: unknown): Record<string, unknown>[] {
  if (Array.isArray(body)) return body as Record<string, unknown>[];
  return (Object.values(body as object).find((one) => Array.isArray(one)) ?? []) as Record<string, unknown>[];
}

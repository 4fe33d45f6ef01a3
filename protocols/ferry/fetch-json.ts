/** Reads a public document, such as a key set, through the guarded HTTP client. */
import type { HttpClient } from '#connectors/contract/http.ts';
import { HelpdeskError } from '#connectors/contract/errors.ts';

const patienceMs = 5_000;
const maxBytes = 256 * 1024;

/** Reads it. @throws HelpdeskError; `bad-answer` for a page that is not JSON, as from a portal or a proxy */
export async function fetchJson(http: HttpClient, url: string): Promise<unknown> {
  const reply = await http.request({
    method: 'GET',
    url,
    headers: { accept: 'application/json' },
    signal: new AbortController().signal,
    timeoutMs: patienceMs,
    maxBytes,
  });
  const { origin, pathname } = new URL(url);
  const bad = (what: string): HelpdeskError =>
    new HelpdeskError(
      'retry',
      'bad-answer',
      `GET ${origin}${pathname} was answered ${what}. Check that the URL is right.`,
    );
  if (reply.status !== 200) throw bad(`with status ${reply.status}`);
  if (!/^application\/(?:[\w.+-]+\+)?json\b/i.test(reply.headers['content-type'] ?? ''))
    throw bad('with something that is not JSON');
  try {
    return JSON.parse(reply.text);
  } catch {
    throw bad('with broken JSON');
  }
}

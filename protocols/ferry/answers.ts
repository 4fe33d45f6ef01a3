/** Validates replies of the other gateway. */
import { cutText } from '#core/text/text.ts';
import type { HttpReply } from '#connectors/contract/http.ts';
import { HelpdeskError } from '#connectors/contract/errors.ts';

type Schema<Value> = {
  safeParse(
    value: unknown,
  ): { readonly success: true; readonly data: Value } | { readonly success: false; readonly data?: undefined };
};

/** Throws HelpdeskError `bad-answer` for a wrong shape, such as a proxy's page with status 200. */
export function answered<Value>(reply: HttpReply, url: string, schema: Schema<Value>): Value {
  const result = schema.safeParse(parsed(reply));
  if (result.success) return result.data;
  throw new HelpdeskError(
    'retry',
    'bad-answer',
    `The answer from ${url} is not from a Ferry gateway (status ${reply.status}). Check that no proxy answers in its place.`,
  );
}

/** Converts a problem document to an error; its code is the last part of its type. */
export function problemOf(reply: HttpReply, url: string): HelpdeskError {
  const { status } = reply;
  const problem = parsed(reply);
  const type = typeof problem?.['type'] === 'string' ? problem['type'] : '';
  const code = /^urn:ferry:problem:([a-z0-9-]{1,64})$/.exec(type)?.[1] ?? `status-${status}`;
  const said = [problem?.['title'], problem?.['detail']].filter((part) => typeof part === 'string').join('. ');
  const message = said === '' ? `${url} answered with status ${status}.` : `It says: ${cutText(said, 1_000)}`;
  if (status === 401) return new HelpdeskError('auth', code, message);
  return new HelpdeskError(status >= 500 || status === 429 ? 'retry' : 'refused', code, message);
}

function parsed(reply: HttpReply): Record<string, unknown> | null {
  if (!/^application\/(?:[\w.-]+\+)?json\b/i.test(reply.headers['content-type'] ?? '')) return null;
  try {
    const value: unknown = JSON.parse(reply.text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

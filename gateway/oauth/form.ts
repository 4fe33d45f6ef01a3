/** Reads a form as the token endpoint wants it: of the right type, small, UTF-8, each parameter once. */
import type { Context, MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { problem, ProblemError } from '#gateway/problems.ts';
import { OAuthError } from './oauth-error.ts';

export type Form = ReadonlyMap<string, string>;

export const formLimit: MiddlewareHandler = bodyLimit({
  maxSize: 32 * 1024,
  onError: () => problem('body-too-large', 'At most 32 KiB are read here.', { connection: 'close' }),
});

const maxParameters = 50;
const decoder = new TextDecoder('utf-8', { fatal: true });

/** @throws OAuthError `invalid_request`; ProblemError for an encoded body */
export async function readForm(c: Context): Promise<Form> {
  const encoding = c.req.header('content-encoding');
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity')
    throw new ProblemError('encoded-body', 'Send the body without Content-Encoding.');
  const type = c.req.header('content-type') ?? '';
  if (!/^application\/x-www-form-urlencoded *(?:; *charset="?utf-8"? *)?$/i.test(type))
    throw new OAuthError('invalid_request', 'content-type');
  let text: string;
  try {
    text = decoder.decode(await c.req.arrayBuffer());
  } catch (error) {
    if (error instanceof TypeError) throw new OAuthError('invalid_request', 'not-utf-8');
    throw error;
  }
  const form = new Map<string, string>();
  const names = new Set<string>();
  for (const [name, value] of new URLSearchParams(text)) {
    if (names.has(name) || names.size === maxParameters) throw new OAuthError('invalid_request', 'repeated-parameter');
    names.add(name);
    // RFC 6749 §3.1: a parameter without a value is one that was not sent.
    if (value !== '') form.set(name, value);
  }
  return form;
}

/** Reads a form for the token endpoint: of the right type, small, each parameter once. */
import type { Context, MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { problem, ProblemError } from '#gateway/problems.ts';
import { OAuthError } from './oauth-error.ts';

export type Form = ReadonlyMap<string, string>;

export const formLimit: MiddlewareHandler = bodyLimit({
  maxSize: 32 * 1024,
  onError: () => problem('body-too-large', 'Send at most 32 KiB.', { connection: 'close' }),
});

const maxParameters = 50;

/** @throws OAuthError `invalid_request`; ProblemError for an encoded body */
export async function readForm(c: Context): Promise<Form> {
  const encoding = c.req.header('content-encoding');
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity')
    throw new ProblemError('encoded-body', 'Send the body without Content-Encoding.');
  const charset = charsetOf(c.req.header('content-type') ?? '');
  if (charset === null) throw new OAuthError('invalid_request', 'content-type');
  let text: string;
  try {
    text = asUtf8(new Uint8Array(await c.req.arrayBuffer()), charset);
  } catch (error) {
    if (error instanceof TypeError) throw new OAuthError('invalid_request', 'not-utf-8');
    throw error;
  }
  const form = new Map<string, string>();
  const names = new Set<string>();
  for (const [name, value] of new URLSearchParams(text)) {
    if (names.has(name) || names.size === maxParameters) throw new OAuthError('invalid_request', 'repeated-parameter');
    names.add(name);
    // RFC 6749 §3.1: a parameter without a value counts as not sent.
    if (value !== '') form.set(name, value);
  }
  return form;
}

/** Apache's HttpClient declares ISO-8859-1 by default, although nearly all forms are ASCII. */
type Charset = 'utf-8' | 'windows-1252';

/** Returns the charset's name in https://encoding.spec.whatwg.org; null for another type or an unsupported charset. */
function charsetOf(contentType: string): Charset | null {
  const [type = '', ...parameters] = contentType.split(';').map((part) => part.trim().toLowerCase());
  if (type !== 'application/x-www-form-urlencoded') return null;
  const label = parameters.find((part) => part.startsWith('charset='))?.slice('charset='.length) ?? 'utf-8';
  try {
    const { encoding } = new TextDecoder(label.replace(/^"(.*)"$/, '$1'));
    return encoding === 'utf-8' || encoding === 'windows-1252' ? encoding : null;
  } catch {
    return null;
  }
}

/** Converts the form, including escaped letters, to UTF-8. Throws TypeError for bytes that are not in its charset. */
function asUtf8(bytes: Uint8Array, charset: Charset): string {
  const text = new TextDecoder(charset, { fatal: true }).decode(bytes);
  if (charset === 'utf-8') return text;
  const decoder = new TextDecoder(charset);
  return text.replaceAll(/%[89A-F][\dA-F]/gi, (escape) =>
    encodeURIComponent(decoder.decode(Uint8Array.of(Number.parseInt(escape.slice(1), 16)))),
  );
}

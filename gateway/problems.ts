/** Refusals as RFC 9457 problems. The types are stable; details say what to do and never repeat what was sent. */
export const problems = {
  'invalid-token': { status: 401, title: 'The request has no valid access token' },
  'not-found': { status: 404, title: 'There is nothing here' },
  'method-not-allowed': { status: 405, title: 'Method not allowed' },
  'body-too-large': { status: 413, title: 'The body is larger than 1 MiB' },
  'encoded-body': { status: 415, title: 'Compressed bodies are not accepted' },
  'invalid-utf8': { status: 400, title: 'The body is not UTF-8' },
  'repeated-header': { status: 400, title: 'A header that must be unique occurs twice' },
  'malformed-json': { status: 400, title: 'The body is not JSON' },
  'json-too-deep': { status: 400, title: 'The JSON is nested too deeply' },
  'invalid-pairing': { status: 422, title: 'The body is not a pairing request' },
  'code-not-valid': { status: 410, title: 'The code is not valid' },
  'too-many-guesses': { status: 429, title: 'Too many wrong codes' },
  'wrong-peer': { status: 403, title: 'Not the side that this code is for' },
  'same-side': { status: 422, title: 'Both sides claim the same side of the link' },
  'url-not-allowed': { status: 422, title: 'This URL may not be called' },
  'issuer-mismatch': { status: 422, title: 'Another issuer answers at this URL' },
  'peer-unreachable': { status: 422, title: "The other side's gateway can't be reached from here" },
  'link-taken': { status: 409, title: 'The link already exists' },
  'invalid-checks': { status: 422, title: 'The body has no valid checks' },
  'never-paired': { status: 409, title: 'This link was not made by pairing' },
  'wrong-role': { status: 403, title: "This endpoint belongs to the caller's own side of the link" },
  'constant-differs': { status: 409, title: 'An action with this id already exists with different contents' },
  'length-required': { status: 411, title: "The file's Content-Length is missing" },
  'file-too-large': { status: 413, title: 'The file is larger than this link accepts' },
  'foreign-host': { status: 403, title: 'This gateway answers only this machine' },
  'foreign-origin': { status: 403, title: 'A web page may not call this gateway' },
  'not-json': { status: 415, title: 'The body is not declared as JSON' },
  'link-suspended': { status: 503, title: 'The link is suspended' },
  'link-quarantined': { status: 503, title: 'The link is in quarantine' },
  'not-for-gateways': { status: 403, title: 'This endpoint is only for API clients' },
  'invalid-digest': { status: 400, title: "The file's Content-Digest is missing or invalid" },
  'size-differs': { status: 400, title: 'The size of the file differs from its Content-Length' },
  'invalid-body': { status: 422, title: 'The body does not fit its schema' },
  'too-many-items': { status: 422, title: 'A list in the body is too long' },
  'invalid-query': { status: 422, title: 'The query does not fit its schema' },
  'digest-differs': { status: 422, title: "The file's bytes have a different digest" },
  'api-off': { status: 501, title: 'This gateway has no API' },
  'too-many-requests': { status: 429, title: 'The client has exceeded a limit' },
  'insufficient-storage': { status: 507, title: 'There is no room for the file' },
  'too-many-files': { status: 507, title: 'Too many files that no action refers to' },
  'keys-unavailable': { status: 503, title: "The origin's key set can't be read" },
  'too-many-erasures': { status: 429, title: 'Too many requests to erase on this link are waiting for a decision' },
  'database-unavailable': { status: 503, title: "The database can't be reached" },
  'database-untrusted': { status: 503, title: 'The connection to the database does not have the required TLS' },
  'content-key': { status: 503, title: 'This gateway lacks the key that sealed the contents' },
  'schema-mismatch': { status: 503, title: "The database's schema is not this version's" },
  'shutting-down': { status: 503, title: 'This gateway is stopping' },
  internal: { status: 500, title: 'Something went wrong in the gateway' },
} as const;

export type ProblemCode = keyof typeof problems;

export type ProblemMore = {
  readonly headers?: Readonly<Record<string, string>>;
  /** The place in the body, as a JSON pointer, and the fault. */
  readonly errors?: readonly { readonly pointer: string; readonly detail: string }[];
  /** Names of the exceeded limits, as in draft-ietf-httpapi-ratelimit-headers. */
  readonly violated?: readonly string[];
};

export class ProblemError extends Error {
  override readonly name = 'ProblemError';
  readonly code: ProblemCode;
  readonly more: ProblemMore;

  constructor(code: ProblemCode, detail?: string, more: ProblemMore = {}) {
    super(detail ?? problems[code].title);
    this.code = code;
    this.more = more;
  }
}

/** Makes a problem response. @param headers additional ones, for instance Retry-After or Allow */
export function problem(
  code: ProblemCode,
  detail?: string,
  headers: Readonly<Record<string, string>> = {},
  more: Pick<ProblemMore, 'errors' | 'violated'> = {},
): Response {
  const { status } = problems[code];
  return new Response(problemText(code, detail, more), {
    status,
    headers: {
      'content-type': 'application/problem+json',
      ...(status === 503 ? { 'retry-after': '5' } : {}),
      ...headers,
    },
  });
}

/** The body of a problem. */
export function problemText(
  code: ProblemCode,
  detail?: string,
  { errors, violated }: Pick<ProblemMore, 'errors' | 'violated'> = {},
): string {
  const { status, title } = problems[code];
  return JSON.stringify({
    type: `urn:ferry:problem:${code}`,
    title,
    status,
    ...(detail === undefined ? {} : { detail }),
    ...(errors === undefined ? {} : { errors }),
    ...(violated === undefined ? {} : { 'violated-policies': violated }),
  });
}

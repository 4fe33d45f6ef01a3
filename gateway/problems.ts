/** Refusals as RFC 9457 problems. The types are stable; details say what to do and never repeat what was sent. */
export const problems = {
  'not-found': { status: 404, title: 'There is nothing here' },
  'method-not-allowed': { status: 405, title: 'Method not allowed' },
  'body-too-large': { status: 413, title: 'The body is larger than 1 MiB' },
  'encoded-body': { status: 415, title: 'Compressed bodies are not accepted' },
  'invalid-utf8': { status: 400, title: 'The body is not UTF-8' },
  'malformed-json': { status: 400, title: 'The body is not JSON' },
  'json-too-deep': { status: 400, title: 'The JSON is nested too deeply' },
  'database-unavailable': { status: 503, title: "The database can't be reached" },
  'schema-mismatch': { status: 503, title: "The database's schema is not this version's" },
  'shutting-down': { status: 503, title: 'This gateway is stopping' },
  internal: { status: 500, title: 'Something went wrong in the gateway' },
} as const;

export type ProblemCode = keyof typeof problems;

export class ProblemError extends Error {
  override readonly name = 'ProblemError';
  readonly code: ProblemCode;

  constructor(code: ProblemCode, detail?: string) {
    super(detail ?? problems[code].title);
    this.code = code;
  }
}

/** @param headers added to the problem's own, for instance Retry-After or Allow */
export function problem(code: ProblemCode, detail?: string, headers: Readonly<Record<string, string>> = {}): Response {
  const { status, title } = problems[code];
  const body = {
    type: `urn:ferry:problem:${code}`,
    title,
    status,
    ...(detail === undefined ? {} : { detail }),
  };
  return new Response(JSON.stringify(body), {
    status,
    headers: {
      'content-type': 'application/problem+json',
      ...(status === 503 ? { 'retry-after': '5' } : {}),
      ...headers,
    },
  });
}

/** Refusals of the token endpoint, in the form of RFC 6749 §5.2. All answers with the same code are identical. */
const errors = {
  invalid_request: {
    status: 400,
    description: 'This endpoint does not accept the request; see docs/protocol.md.',
  },
  invalid_client: { status: 401, description: 'The client could not be authenticated.' },
  unsupported_grant_type: { status: 400, description: 'Only client_credentials is supported.' },
  invalid_scope: { status: 400, description: 'There are no scopes; leave the parameter out.' },
  invalid_target: { status: 400, description: "The resource is the client's own issuer; leave the parameter out." },
  invalid_dpop_proof: { status: 400, description: 'The DPoP proof is missing, invalid or already used.' },
  slow_down: { status: 429, description: 'Too many requests or failed attempts; wait for the time in Retry-After.' },
  temporarily_unavailable: { status: 503, description: "The client's keys can't be read at the moment." },
} as const;

export type OAuthErrorCode = keyof typeof errors;

export class OAuthError extends Error {
  override readonly name = 'OAuthError';
  readonly code: OAuthErrorCode;
  readonly headers: Readonly<Record<string, string>>;

  /** @param why for our log only */
  constructor(code: OAuthErrorCode, why: string, headers: Readonly<Record<string, string>> = {}) {
    super(why);
    this.code = code;
    this.headers = headers;
  }
}

/** Forbids caching of tokens and answers about them (RFC 6749 §5.1). */
export const unstored = { 'cache-control': 'no-store', pragma: 'no-cache' } as const;

export function oauthErrorResponse({ code, headers }: OAuthError): Response {
  const { status, description } = errors[code];
  return Response.json(
    { error: code, error_description: description },
    { status, headers: { ...unstored, ...headers } },
  );
}

/** Serves the metadata for clients: where and how to get tokens (RFC 8414), and the instance's public keys. */
import { assertionAlgorithms } from './client-assertion.ts';
import { authMethods } from './client-auth.ts';
import { proofAlgorithms } from './dpop.ts';
import { baseUrl, issuerUrl } from './issuer.ts';

/** Less than the 15 minutes for which a key is published before it signs. */
export const published = { 'cache-control': 'public, max-age=300' } as const;

export function metadataOf(publicUrl: string, instance: string): Readonly<Record<string, unknown>> {
  const base = baseUrl(publicUrl);
  const issuer = issuerUrl(publicUrl, instance);
  return {
    issuer,
    token_endpoint: `${base}/oauth/token`,
    revocation_endpoint: `${base}/oauth/revoke`,
    jwks_uri: `${issuer}/jwks.json`,
    grant_types_supported: ['client_credentials'],
    response_types_supported: [],
    token_endpoint_auth_methods_supported: authMethods,
    token_endpoint_auth_signing_alg_values_supported: assertionAlgorithms,
    revocation_endpoint_auth_methods_supported: authMethods,
    revocation_endpoint_auth_signing_alg_values_supported: assertionAlgorithms,
    dpop_signing_alg_values_supported: proofAlgorithms,
  };
}

/** Turns errors from any part of Ferry into answers for people. */
import { ConfigError } from '#config/env.ts';
import { ContentKeyError } from '#db/base/content.ts';
import { RoleError } from '#db/base/grants.ts';
import { SchemaError } from '#db/base/migrate.ts';
import { DatabaseTlsError } from '#db/base/tls.ts';
import { Refused, type RefusalKind } from './refused.ts';

export type Explanation = { readonly code: string; readonly kind: RefusalKind; readonly message: string };

/** Returns null for an unexpected error. */
export function explain(error: unknown): Explanation | null {
  if (error instanceof Refused) return error;
  // Look inside the query builder's error.
  for (let at: unknown = error; at instanceof Error; at = at.cause)
    if (at instanceof DatabaseTlsError || at instanceof ContentKeyError)
      return { code: at.code, kind: 'setup', message: at.message };
  if (error instanceof SchemaError || error instanceof RoleError || error instanceof ConfigError)
    return { code: error.code, kind: 'setup', message: error.message };
  return null;
}

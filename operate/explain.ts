/** Errors that are answers for people, whatever part of Ferry they come from. */
import { ConfigError } from '#config/env.ts';
import { SchemaError } from '#db/base/migrate.ts';
import { Refused, type RefusalKind } from './refused.ts';

export type Explanation = { readonly code: string; readonly kind: RefusalKind; readonly message: string };

/** Null for what nobody expected. */
export function explain(error: unknown): Explanation | null {
  if (error instanceof Refused) return error;
  if (error instanceof SchemaError || error instanceof ConfigError)
    return { code: error.code, kind: 'setup', message: error.message };
  return null;
}

/** Prints the OpenAPI document: `node gateway/openapi.ts > docs/openapi.json`. A test compares the two. */
import { apiDocument } from './exchange/routes.ts';

/** The version of the API, not of the gateway. It changes when the document changes in a way that clients notice. */
export const apiVersion = '1.0.0';

export function openapiText(): string {
  return `${JSON.stringify(apiDocument(apiVersion), nullable, 2)}\n`;
}

/** Corrects the generator, whose schema for "this or null" excludes null. */
function nullable(_key: string, value: unknown): unknown {
  const { allOf } = (value ?? {}) as {
    readonly allOf?: readonly { readonly $ref?: string; readonly type?: unknown }[];
  };
  const [reference, other, ...more] = allOf ?? [];
  const isNullable = Array.isArray(other?.type) && other.type.includes('null');
  if (reference?.$ref === undefined || !isNullable || more.length > 0) return value;
  return { anyOf: [reference, { type: 'null' }] };
}

if (import.meta.main) process.stdout.write(openapiText());

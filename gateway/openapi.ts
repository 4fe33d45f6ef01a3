/** Prints the OpenAPI document: `node gateway/openapi.ts > docs/openapi.json`. A test compares the two. */
import { apiDocument } from './exchange/routes.ts';

/** Of the API, not of the gateway: it changes when the document does in a way that clients see. */
export const apiVersion = '1.0.0';

export function openapiText(): string {
  return `${JSON.stringify(apiDocument(apiVersion), nullable, 2)}\n`;
}

/** The generator writes "this and perhaps null" for what is this or null, which nothing that is null would fit. */
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

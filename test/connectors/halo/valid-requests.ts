/** Holds every request that Ferry makes of a Halo twin against the request side of the vendor's OpenAPI. */
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import type { SeenRequest } from '#twins/halo/serving.ts';
import { exceptions, operations, schemas } from './openapi.ts';
import type { SpecType } from './openapi.ts';

/** Arguments for a twin as a process: it then ends with code 1, and the reason, if a request was not valid. */
export const watchedTwin: readonly string[] = [
  '--watch',
  fileURLToPath(new URL('./watch-program.ts', import.meta.url)),
];

export type RequestCheck = {
  /** For a twin's option of this name. */
  watch(request: SeenRequest): void;
  /** Fails if one of the requests is outside the document and is not a listed exception. */
  assertValid(): void;
  /** Operations that were met, such as `GET /Tickets/{id}`. */
  readonly met: ReadonlySet<string>;
  /** Exceptions that were needed. */
  readonly used: ReadonlySet<string>;
};

export function createRequestCheck(): RequestCheck {
  const faults = new Set<string>();
  const met = new Set<string>();
  const used = new Set<string>();
  return {
    met,
    used,
    watch(request) {
      const operation = operationOf(request);
      if (operation === null) return;
      met.add(operation);
      for (const { where, why } of faultsOf(operation, request)) {
        if (exceptions.some((one) => one.where === where)) used.add(where);
        else faults.add(`${where}: ${why}`);
      }
    },
    assertValid() {
      assert.deepEqual([...faults], [], "requests outside the vendor's OpenAPI, and no exception is listed for them");
    },
  };
}

export type RequestFault = { readonly where: string; readonly why: string };

/** Returns null for what is not Halo's API: signing in, signed links, what people do at the twin. */
function operationOf({ method, path }: SeenRequest): string | null {
  const name = /^\/api\/(.+)$/.exec(path)?.[1];
  if (name === undefined || /^authinfo$/i.test(name)) return null;
  const template = `/${name.replace(/\/(?:\d+|[0-9a-f]{8}-[0-9a-f-]{27})$/i, '/{id}')}`;
  const known = Object.keys(operations).find((one) => one.toLowerCase() === `${method} ${template}`.toLowerCase());
  return known ?? `${method} ${template}`;
}

export function faultsOf(operation: string, request: Pick<SeenRequest, 'query' | 'body'>): readonly RequestFault[] {
  const spec = operations[operation];
  if (spec === undefined) return [{ where: operation, why: 'there is no such path' }];
  const faults: RequestFault[] = [];
  for (const [name, value] of request.query) {
    const type = spec.query[name];
    const where = `${operation} ?${name}`;
    if (type === undefined) faults.push({ where, why: 'there is no such parameter' });
    else if (!isText(value, type)) faults.push({ where, why: `${JSON.stringify(value)} is no ${String(type)}` });
  }
  const { body } = request;
  if (body === undefined || spec.body === 'form') return faults;
  if (spec.body === undefined) return [...faults, { where: `${operation} body`, why: 'it takes none' }];
  if (!Array.isArray(body)) return [...faults, { where: `${operation} body`, why: 'it is no array' }];
  return [...faults, ...body.flatMap((one: unknown) => wrongIn(one, spec.body ?? '', `${operation} body`))];
}

function wrongIn(value: unknown, schema: string, where: string): readonly RequestFault[] {
  const known = schemas[schema];
  if (known === undefined) return [{ where, why: `there is no schema ${schema}` }];
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [{ where, why: 'it is no object' }];
  return Object.entries(value).flatMap(([name, inner]: [string, unknown]) => {
    const type = known[name];
    const here = `${where}.${name}`;
    if (type === undefined) return [{ where: here, why: 'there is no such property' }];
    if (inner === null || type === 'any') return [];
    if (typeof type !== 'string') {
      if (!Array.isArray(inner)) return [{ where: here, why: 'it is no array' }];
      return inner.flatMap((one: unknown) => wrongIn(one, type[0], here));
    }
    return isValue(inner, type) ? [] : [{ where: here, why: `${JSON.stringify(inner)} is no ${type}` }];
  });
}

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const instant = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)?$/;

/** In a query everything is text. */
function isText(value: string, type: SpecType): boolean {
  if (type === 'int') return /^-?\d+$/.test(value);
  if (type === 'bool') return value === 'true' || value === 'false';
  if (type === 'double') return value !== '' && Number.isFinite(Number(value));
  return true;
}

function isValue(value: unknown, type: SpecType): boolean {
  switch (type) {
    case 'int':
      return Number.isInteger(value);
    case 'double':
      return typeof value === 'number';
    case 'bool':
      return typeof value === 'boolean';
    case 'uuid':
      return typeof value === 'string' && uuid.test(value);
    case 'date-time':
      return typeof value === 'string' && instant.test(value);
    default:
      return typeof value === 'string';
  }
}

/** Returns the keys that a schema knows at a path, to suggest one for an unknown key. */
import type { z } from 'zod';
import type { Path } from './fault.ts';

type Definition = {
  readonly type: string;
  readonly shape?: Readonly<Record<string, z.ZodType>>;
  readonly innerType?: z.ZodType;
  readonly element?: z.ZodType;
  readonly valueType?: z.ZodType;
  readonly options?: readonly z.ZodType[];
  readonly getter?: () => z.ZodType;
};

export function knownKeys(schema: z.ZodType, path: Path): string[] {
  let here = [schema];
  for (const step of path) here = here.flatMap((one) => inside(one, step));
  return [...new Set(here.flatMap(unwrap).flatMap((one) => Object.keys(definition(one).shape ?? {})))];
}

function inside(schema: z.ZodType, step: string | number): z.ZodType[] {
  return unwrap(schema).flatMap((one) => {
    const { shape, element, valueType } = definition(one);
    const next = shape?.[step] ?? (typeof step === 'number' ? element : valueType);
    return next === undefined ? [] : [next];
  });
}

/** Unwraps optional, default, lazy and union schemas. */
function unwrap(schema: z.ZodType): z.ZodType[] {
  const { innerType, options, getter } = definition(schema);
  if (innerType !== undefined) return unwrap(innerType);
  if (options !== undefined) return options.flatMap(unwrap);
  if (getter !== undefined) return unwrap(getter());
  return [schema];
}

function definition(schema: z.ZodType): Definition {
  return schema._zod.def as unknown as Definition;
}

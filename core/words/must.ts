/** Unwraps values that can only be absent if Ferry itself is wrong: it throws instead of passing on an empty text. */

/** Throws if the value is absent. @param what names the value in the error */
export function must<Value>(value: Value | null | undefined, what: string): Value {
  if (value === null || value === undefined) throw new Error(`There has to be a value here: ${what}.`);
  return value;
}

/** For values that cannot be absent unless Ferry itself is wrong: an error says so, instead of an empty text. */

/** @param what names the value in the error. Throws where it is absent. */
export function must<Value>(value: Value | null | undefined, what: string): Value {
  if (value === null || value === undefined) throw new Error(`There has to be a value here: ${what}.`);
  return value;
}

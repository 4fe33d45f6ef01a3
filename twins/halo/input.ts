/** Reads loosely typed request bodies: numbers may be text, and a value of the wrong type counts as absent. */

export type Input = Readonly<Record<string, unknown>>;

/** True for a plain object. */
export function isInput(value: unknown): value is Input {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function textOf(input: Input, key: string): string | undefined {
  const value = input[key];
  if (typeof value === 'string') return value;
  return typeof value === 'number' ? String(value) : undefined;
}

export function wholeOf(input: Input, key: string): number | undefined {
  const value = input[key];
  if (typeof value === 'number' && Number.isInteger(value)) return value;
  return typeof value === 'string' && /^-?\d{1,15}$/.test(value) ? Number(value) : undefined;
}

export function flagOf(input: Input, key: string): boolean | undefined {
  const value = input[key];
  if (typeof value === 'boolean') return value;
  if (value === 'true' || value === 1) return true;
  return value === 'false' || value === 0 ? false : undefined;
}

/** Reads the objects of a list and leaves out everything else. */
export function listOf(input: Input, key: string): Input[] {
  const value = input[key];
  return Array.isArray(value) ? value.filter(isInput) : [];
}

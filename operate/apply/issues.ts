/** Turns zod's issues into words for the author of the file. Never repeats a value that may be a secret. */
import type { z } from 'zod';
import type { Finding, Path } from './fault.ts';
import { knownKeys } from './known-keys.ts';
import { suggestion } from '#core/words/nearest.ts';

type Issue = z.core.$ZodIssue;

export function findingsOf(schema: z.ZodType, value: unknown, under: Path = []): Finding[] {
  const result = schema.safeParse(value);
  if (result.success) return [];
  return flatIssues(result.error.issues).flatMap((issue) => explain(issue, schema, value, under));
}

/** Returns the issues of the union branch that the author most probably meant. */
export function flatIssues(issues: readonly Issue[], under: readonly PropertyKey[] = []): Issue[] {
  return issues.flatMap((issue) => {
    const path = [...under, ...issue.path];
    if (issue.code !== 'invalid_union' || issue.errors.length === 0) return [{ ...issue, path }];
    const isOtherType = issue.errors.every((branch) =>
      branch.every((inner) => inner.code === 'invalid_type' && inner.path.length === 0),
    );
    const best = issue.errors.toSorted((a, b) => distance(a) - distance(b))[0];
    if (isOtherType || best === undefined) return [{ ...issue, path }];
    return flatIssues(best, path);
  });
}

function distance(branch: readonly Issue[]): number {
  let sum = 0;
  for (const issue of branch) {
    if (issue.code === 'unrecognized_keys') sum += issue.keys.length;
    else if (issue.path.length <= 1) sum += 1;
  }
  return sum;
}

function explain(issue: Issue, schema: z.ZodType, value: unknown, under: Path): Finding[] {
  const inner = issue.path as Path;
  const path = [...under, ...inner];
  const given = valueAt(value, inner);
  if (issue.code === 'unrecognized_keys') {
    const known = knownKeys(schema, inner);
    return issue.keys.map((key) => ({
      code: 'unknown-key',
      path: [...path, key],
      at: 'key' as const,
      message: `There is no setting "${shown(key)}" here.`,
      fix: suggestion(key, known),
    }));
  }
  if (isSecretPlace(path))
    return [
      typeof given === 'string'
        ? {
            code: 'secret-in-file',
            path,
            message: "A secret doesn't belong in this file.",
            fix: 'Write where it is: {env: VARIABLE} or {file: path}. If the file was shared, change the secret.',
          }
        : {
            code: 'wrong-type',
            path,
            message: 'This must say where the secret is.',
            fix: 'Write {env: VARIABLE} or {file: path}.',
          },
    ];
  if (given === undefined)
    return [
      {
        code: 'missing-key',
        path,
        message: `"${String(path.at(-1) ?? '')}" is missing.`,
        fix: `Add it: ${expectation(issue)}.`,
      },
    ];
  return [wrong(issue, path, given)];
}

function wrong(issue: Issue, path: Path, given: unknown): Finding {
  switch (issue.code) {
    case 'invalid_type': {
      const quoted = issue.expected === 'string' && isPlain(given);
      return {
        code: 'wrong-type',
        path,
        message: `This is ${nameOf(given)}, but must be ${expectation(issue)}.`,
        fix: quoted ? 'Put it in quotes.' : `Write ${expectation(issue)}.`,
      };
    }
    case 'invalid_value':
      return {
        code: 'unknown-value',
        path,
        message: `${typeof given === 'string' ? `"${shown(given)}"` : 'This'} is not one of the possible values.`,
        fix: suggestion(typeof given === 'string' ? given : '', issue.values.map(String)),
      };
    case 'invalid_key':
      return {
        code: 'wrong-id',
        path,
        at: 'key',
        message: `"${shown(String(path.at(-1)))}" can't be an id.`,
        fix: 'Use lower-case letters, digits and hyphens, at most 63.',
      };
    case 'invalid_union':
      return {
        code: 'wrong-type',
        path,
        message: `This is ${nameOf(given)}, but must be a condition.`,
        fix: 'Write, for instance, {kind: "Escalate"} or {field: "Supplier", equals: "Northwind"}.',
      };
    case 'too_small':
    case 'too_big':
      return {
        code: 'out-of-range',
        path,
        message: `This is ${issue.code === 'too_small' ? 'too small or too short' : 'too big or too long'}.`,
        fix: issue.code === 'too_small' ? `At least ${String(issue.minimum)}.` : `At most ${String(issue.maximum)}.`,
      };
    default:
      return {
        code: 'wrong-value',
        path,
        message: "This value can't be used.",
        fix: `Write ${expectation(issue)}.`,
      };
  }
}

function expectation(issue: Issue): string {
  if (issue.code === 'invalid_type') return typeNames[issue.expected] ?? issue.expected;
  if (issue.code === 'invalid_format') {
    if (issue.format === 'url') return 'a URL such as https://desk.example.com';
    if (issue.format === 'email') return 'a mail address';
    return issue.message.startsWith('Invalid') ? 'an allowed value' : issue.message;
  }
  if (issue.code === 'invalid_value') return issue.values.map((value) => String(value)).join(' or ');
  if (issue.code === 'invalid_union') return 'a condition such as {kind: "Escalate"}';
  return 'an allowed value';
}

const typeNames: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map of keys',
  record: 'a map of keys',
};

function nameOf(value: unknown): string {
  if (value === null) return 'empty';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a map of keys';
  if (typeof value === 'string') return 'a text';
  return typeof value === 'boolean' ? 'true or false' : `a ${typeof value}`;
}

function isPlain(value: unknown): boolean {
  return typeof value === 'number' || typeof value === 'boolean';
}

/** instances.<id>.credentials.<name>…, instances.<id>.hookSecret… */
function isSecretPlace(path: Path): boolean {
  if (path[0] !== 'instances') return false;
  return (path[2] === 'credentials' && path.length > 3) || path[2] === 'hookSecret';
}

/** Shortens long and multi-line texts: the file contains them anyway. */
function shown(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ');
  return line.length > 60 ? `${line.slice(0, 60)}…` : line;
}

export function valueAt(value: unknown, path: Path): unknown {
  let here = value;
  for (const step of path) {
    if (typeof here !== 'object' || here === null || !Object.hasOwn(here, step)) return undefined;
    here = (here as Record<string | number, unknown>)[step];
  }
  return here;
}

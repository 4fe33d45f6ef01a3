/** Reads YAML, records the line and column of everything in it, and reports every syntax error. */
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, visit } from 'yaml';
import type { Document, Node, Pair, YAMLMap } from 'yaml';
import type { Fault, Finding, Path } from './fault.ts';
import { pathText } from './fault.ts';

export type Source = {
  /** The content of the file, without the parts that could not be parsed. */
  readonly value: unknown;
  readonly faults: readonly Fault[];
  /** Whether something could not be parsed, so that the text after it may be misread. */
  readonly isBroken: boolean;
  /** Says whether the value at the path ends before the first error. */
  isBeforeBreak(path: Path): boolean;
  /** Adds line and column to a finding; if the path is not in the file, those of its nearest ancestor. */
  place(finding: Finding): Fault;
  has(path: Path): boolean;
};

const maxBytes = 4 * 1024 * 1024;

export function readSource(text: string): Source {
  if (Buffer.byteLength(text) > maxBytes)
    return emptySource('too-large', 'The file is larger than 4 MiB.', 'Split it.');
  const lines = new LineCounter();
  // Pretty errors would quote the file, which may contain a secret by mistake.
  // The parser's own check for duplicate keys is quadratic.
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: false });
  const at = (offset: number): { line: number; column: number } => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };
  const errors = [...document.errors, ...document.warnings, ...keysTwice(document)].toSorted(
    (a, b) => a.pos[0] - b.pos[0],
  );
  // Most errors after the first one are consequences of the first.
  const slip = errors.find(({ code }) => code !== 'DUPLICATE_KEY');
  const faults: Fault[] = errors
    .filter((error) => error === slip || (error.code === 'DUPLICATE_KEY' && error.pos[0] < (slip?.pos[0] ?? Infinity)))
    .map((error) => ({
      code: error === slip ? 'yaml-syntax' : 'duplicate-key',
      path: '',
      ...at(error.pos[0]),
      ...syntaxWords(error.code),
    }));
  const value = toValue(document, (path, node) => {
    faults.push({
      code: 'unusable-key',
      path: pathText(path),
      ...at(node?.range?.[0] ?? 0),
      message: "This key can't be used.",
      fix: 'Choose another name.',
    });
  });
  if (value.failure !== undefined) faults.push({ code: 'yaml-syntax', path: '', line: 1, column: 1, ...value.failure });
  return {
    value: value.value,
    faults,
    isBroken: faults.some((fault) => fault.code === 'yaml-syntax'),
    isBeforeBreak: (path) => {
      const { depth, key, value: node } = find(document, path);
      const end = depth === path.length ? Math.max(key?.range?.[1] ?? 0, node?.range?.[1] ?? 0) : Infinity;
      return end <= (slip?.pos[0] ?? (value.failure === undefined ? Infinity : 0));
    },
    has: (path) => find(document, path).depth === path.length,
    place: ({ code, path, at: part, message, fix }) => ({
      code,
      path: pathText(path),
      ...at(offsetOf(find(document, path), path, part ?? 'value')),
      message,
      fix,
    }),
  };
}

function emptySource(code: string, message: string, fix: string): Source {
  const fault = { code, path: '', line: 1, column: 1, message, fix };
  return {
    value: undefined,
    faults: [fault],
    isBroken: true,
    isBeforeBreak: () => false,
    has: () => false,
    place: (finding) => ({ ...fault, ...finding, path: pathText(finding.path) }),
  };
}

type Words = { readonly message: string; readonly fix: string };

function toValue(
  document: Document,
  unusable: (path: Path, node: Node | null) => void,
): { readonly value: unknown; readonly failure?: Words } {
  try {
    const value: unknown = document.toJS({ maxAliasCount: 100 });
    dropUnusable(value, [], (path) => unusable(path, find(document, path).key));
    return { value };
  } catch (error) {
    const isAliasName = error instanceof ReferenceError && !/count/i.test(error.message);
    return {
      value: undefined,
      failure: isAliasName
        ? {
            message: 'An alias (*name) is used before its anchor (&name) is set, or without one.',
            fix: 'Set the anchor first, or write the value out.',
          }
        : { message: 'The aliases in this file unfold without end.', fix: 'Write the values out.' },
    };
  }
}

/** Refuses keys that have a meaning in JavaScript, before a schema sees them. */
function dropUnusable(value: unknown, path: Path, tell: (path: Path) => void): void {
  if (typeof value !== 'object' || value === null || path.length > 40) return;
  for (const [key, inner] of Object.entries(value)) {
    const here = [...path, Array.isArray(value) ? Number(key) : key];
    if (key === '__proto__') {
      tell(here);
      delete (value as Record<string, unknown>)[key];
    } else dropUnusable(inner, here, tell);
  }
}

type Found = {
  /** Counts how many steps of the path are in the file. */
  readonly depth: number;
  readonly key: Node | null;
  readonly value: Node | null;
};

function find(document: Document, path: Path): Found {
  let found: Found = { depth: 0, key: null, value: document.contents as Node | null };
  for (const step of path) {
    const inside = isAlias(found.value) ? (found.value.resolve(document) ?? null) : found.value;
    if (isMap(inside)) {
      const pair = pairsOf(inside).get(String(step));
      if (pair === undefined) return found;
      found = {
        depth: found.depth + 1,
        key: pair.key as Node,
        value: (pair.value ?? pair.key) as Node,
      };
    } else if (isSeq(inside) && typeof step === 'number') {
      const item = inside.items[step];
      if (item === undefined) return found;
      found = { depth: found.depth + 1, key: null, value: item as Node };
    } else return found;
  }
  return found;
}

const indexes = new WeakMap<YAMLMap, ReadonlyMap<string, Pair>>();

/** Indexes pairs by key; the later of two equal keys wins. Built once, so that many findings in a large file stay fast. */
function pairsOf(map: YAMLMap): ReadonlyMap<string, Pair> {
  const index = indexes.get(map) ?? new Map(map.items.map((pair) => [keyOf(pair), pair]));
  indexes.set(map, index);
  return index;
}

type Twice = { readonly code: 'DUPLICATE_KEY'; readonly pos: readonly [number, number] };

/** Finds a key that its map already has. */
function keysTwice(document: Document): readonly Twice[] {
  const twice: Twice[] = [];
  visit(document, {
    Map(_key, map) {
      const seen = new Set<unknown>();
      for (const { key } of map.items) {
        if (!isScalar(key)) continue;
        if (seen.has(key.value)) twice.push({ code: 'DUPLICATE_KEY', pos: [key.range?.[0] ?? 0, key.range?.[1] ?? 0] });
        seen.add(key.value);
      }
    },
  });
  return twice;
}

function keyOf(pair: Pair): string {
  return isScalar(pair.key) ? String(pair.key.value) : '';
}

function offsetOf(found: Found, path: Path, part: 'key' | 'value'): number {
  const isWhole = found.depth === path.length;
  // Report a missing key at the key of its map, and a fault of a whole map or list at its key.
  const isValue = isWhole && part === 'value' && !isMap(found.value) && !isSeq(found.value);
  const node = isValue ? found.value : (found.key ?? found.value);
  return node?.range?.[0] ?? 0;
}

function syntaxWords(code: string): Words {
  return (
    syntax[code] ?? {
      message: 'This is not valid YAML.',
      fix: 'Check quotes, brackets and indentation.',
    }
  );
}

const syntax: Readonly<Record<string, Words>> = {
  DUPLICATE_KEY: {
    message: 'This key appears here a second time.',
    fix: 'Keep one of the two, or merge them.',
  },
  BAD_INDENT: {
    message: 'The indentation does not match the lines above.',
    fix: 'Indent with spaces, the same number for all keys of one map, and close brackets.',
  },
  TAB_AS_INDENT: { message: 'A tab is used as indentation.', fix: 'Use spaces.' },
  MISSING_CHAR: {
    message: 'A quote, bracket, colon or comma is missing.',
    fix: 'Close what is open.',
  },
  BAD_DQ_ESCAPE: {
    message: 'A backslash in double quotes starts something unknown.',
    fix: 'Use single quotes, or double the backslash.',
  },
  BLOCK_AS_IMPLICIT_KEY: {
    message: 'A second colon follows on the same line.',
    fix: 'Put a text that holds a colon in quotes.',
  },
  MULTIPLE_DOCS: {
    message: 'A second document begins here (---).',
    fix: 'Keep everything in one document.',
  },
  TAG_RESOLVE_FAILED: { message: 'Tags (!name) are not used here.', fix: 'Remove the tag.' },
  BAD_ALIAS: {
    message: 'An alias (*name) has a wrong name.',
    fix: 'Put a text that begins with * in quotes.',
  },
  BAD_SCALAR_START: {
    message: "A text can't begin with this character.",
    fix: 'Put the text in quotes.',
  },
};

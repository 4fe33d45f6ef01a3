/** Where things live and what each folder may import: the table of the architecture, held over the tree. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import path from 'node:path';
import { test } from 'node:test';

const root = path.join(import.meta.dirname, '..');
const node = /^node:/;
const nothing: readonly RegExp[] = [];

function packages(...names: readonly string[]): readonly RegExp[] {
  return names.map((name) => new RegExp(`^${name.replaceAll('.', '\\.')}(?:/|$)`));
}

function folders(...names: readonly string[]): readonly RegExp[] {
  return names.map((name) => new RegExp(`^#${name}/`));
}

const seam = [/^#workflows\/(?:contract|wake)\.ts$/];
const gateway = [
  node,
  ...folders('core', 'db', 'blobs', 'text-worker', 'config', 'gateway'),
  ...seam,
  ...packages('hono', 'zod', 'jose', 'content-disposition', 'file-type'),
  /^@hono\//,
];

type Rule = {
  /** Repository path, forward slashes. The first rule that fits a file is its rule. */
  readonly files: RegExp;
  readonly may: readonly RegExp[];
  /** Further modules, as types only: they leave nothing behind at run time. */
  readonly types?: readonly RegExp[];
};

const anything = [/^/];

const rules: readonly Rule[] = [
  { files: /^core\/(?:wire|settings)\.ts$/, may: packages('zod') },
  { files: /^core\/html\.ts$/, may: packages('sanitize-html', 'html-to-text') },
  { files: /^core\/(?:markup|images)\.ts$/, may: packages('htmlparser2') },
  { files: /^core\/plain\.ts$/, may: packages('entities') },
  { files: /^core\/(?:constant|fingerprint)\.ts$/, may: [/^node:crypto$/] },
  { files: /^core\//, may: nothing },
  {
    files: /^connectors\/peer\//,
    may: [
      node,
      ...folders('core', 'connectors'),
      ...packages('undici', 'jose', 'ipaddr.js', 'zod', 'oauth4webapi', 'standardwebhooks'),
    ],
  },
  {
    files: /^connectors\/(?:.*\/)?wire\.ts$/,
    may: [node, ...folders('core', 'connectors'), ...packages('undici', 'jose', 'ipaddr.js', 'zod')],
  },
  { files: /^connectors\//, may: [node, ...folders('core', 'connectors'), ...packages('undici', 'jose', 'ipaddr.js')] },
  { files: /^db\//, may: [node, ...folders('core', 'db'), ...packages('drizzle-orm', 'postgres')] },
  { files: /^config\//, may: [node, ...folders('config'), ...packages('zod', 'pino', 'jose')] },
  { files: /^text-worker\//, may: [node, ...folders('core', 'text-worker')] },
  { files: /^blobs\//, may: [node, ...folders('blobs')] },
  { files: /^workflows\/(?:carry|watch|connect)\.ts$/, may: packages('@temporalio/workflow'), types: anything },
  { files: /^workflows\/wake\.ts$/, may: [node, ...folders('db'), ...packages('@temporalio/client')] },
  {
    files: /^workflows\/activities\/notify\.ts$/,
    may: [
      node,
      ...folders('core', 'db', 'connectors', 'blobs', 'text-worker', 'workflows/activities'),
      ...seam,
      ...packages('@temporalio/activity', 'nodemailer'),
    ],
  },
  {
    files: /^workflows\/activities\//,
    may: [
      node,
      ...folders('core', 'db', 'connectors', 'blobs', 'text-worker', 'workflows/activities'),
      ...seam,
      ...packages('@temporalio/activity'),
    ],
  },
  { files: /^workflows\/(?:worker|run-worker|cached-bundle)\.ts$/, may: anything },
  {
    files: /^workflows\/(?:sweeper|link-chores)\.ts$/,
    may: [node, ...folders('core', 'db'), ...packages('@temporalio/client', '@temporalio/common')],
  },
  { files: /^workflows\//, may: [node, ...packages('@temporalio/common', '@temporalio/workflow')] },
  { files: /^gateway\/(?:main|wire-federation)\.ts$/, may: anything },
  { files: /^gateway\//, may: gateway },
  { files: /^cli\/main\.ts$/, may: anything },
  { files: /^cli\//, may: [...gateway, ...folders('connectors', 'cli'), ...packages('yaml', 'commander')] },
  { files: /^twins\//, may: [node, ...folders('twins'), ...packages('hono'), /^@hono\//] },
];

const sourceFolders = [
  'bench',
  'bin',
  'blobs',
  'cli',
  'config',
  'connectors',
  'core',
  'db',
  'gateway',
  'standalone',
  'test',
  'text-worker',
  'twins',
  'workflows',
];

type Import = { readonly specifier: string; readonly typeOnly: boolean };

/** Static and dynamic imports and re-exports of a file; comments are no imports. */
function importsOf(source: string): readonly Import[] {
  const code = source.replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
  const found: Import[] = [];
  const statement = /^\s*(?:import|export)\b(\s+type\b)?(?:[^'";]*?\bfrom)?\s*['"]([^'"\n]+)['"]/gm;
  for (const [, type, specifier = ''] of code.matchAll(statement))
    found.push({ specifier, typeOnly: type !== undefined });
  for (const [, specifier = ''] of code.matchAll(/\b(?:import|require)\s*\(\s*['"`]([^'"`\n]+)['"`]/g)) {
    found.push({ specifier, typeOnly: false });
  }
  return found;
}

const files = sourceFolders
  .flatMap((folder) =>
    readdirSync(path.join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && /\.(?:ts|js|mjs)$/.test(entry.name))
      .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)).replaceAll(path.sep, '/')),
  )
  .sort()
  .map((file) => ({ file, source: readFileSync(path.join(root, file), 'utf8') }));

const imports = files.flatMap(({ file, source }) => importsOf(source).map((found) => ({ file, ...found })));

function isRelative(specifier: string): boolean {
  return specifier.startsWith('.');
}

function isAllowed({ file, specifier, typeOnly }: Import & { readonly file: string }): boolean {
  if (isRelative(specifier)) return true;
  const rule = rules.find(({ files: pattern }) => pattern.test(file));
  if (rule === undefined || rule.may.some((pattern) => pattern.test(specifier))) return true;
  return typeOnly && (rule.types ?? []).some((pattern) => pattern.test(specifier));
}

function list(found: readonly (Import & { readonly file: string })[]): readonly string[] {
  return found.map(({ file, specifier }) => `${file} imports ${specifier}`);
}

test('every folder imports only what the architecture lets it', () => {
  assert.deepEqual(list(imports.filter((one) => !isAllowed(one))), []);
});

test('nothing imports with ../: inside a folder it is ./, across folders #folder/', () => {
  assert.deepEqual(list(imports.filter(({ specifier }) => /^\.\.(?:\/|$)|\/\.\.\//.test(specifier))), []);
});

test('relative imports stay in their own folder and say the file with its ending', () => {
  const wrong = imports.filter(
    ({ specifier }) => isRelative(specifier) && !/^\.\/[^.].*\.(?:ts|js|mjs)$/.test(specifier),
  );
  assert.deepEqual(list(wrong), []);
});

test('node built-ins are imported by their node: names', () => {
  const bare = new Set(builtinModules.filter((name) => !name.startsWith('node:')));
  assert.deepEqual(list(imports.filter(({ specifier }) => bare.has(specifier))), []);
});

test('core only hashes: of node:crypto it takes createHash alone', () => {
  const wrong = files
    .filter(({ file, source }) => file.startsWith('core/') && source.includes('node:crypto'))
    .filter(({ source }) => !/^import \{ createHash \} from ['"]node:crypto['"];$/m.test(source))
    .map(({ file }) => file);
  assert.deepEqual(wrong, []);
});

test('core has no clock, no randomness, no environment, no I/O and nothing asynchronous', () => {
  const impure =
    /\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|\brandomUUID\b|\bprocess\.|\bperformance\.|\bconsole\.|\bfetch\(|\basync\b|\bawait\b|\bPromise\b|\bsetTimeout\b/;
  const wrong = files
    .filter(({ file }) => file.startsWith('core/'))
    .map(({ file, source }) => ({ file, found: impure.exec(source.replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, ''))?.[0] }))
    .filter(({ found }) => found !== undefined)
    .map(({ file, found }) => `${file}: ${found}`);
  assert.deepEqual(wrong, []);
});

test('the reader of imports sees static, side-effect, dynamic, type and multi-line imports, and no comments', () => {
  const source = [
    "import a from 'a';",
    "import 'b';",
    "import type { C } from 'c';",
    "import {\n  d,\n} from 'd';",
    "export { e } from 'e';",
    "const f = await import('f');",
    "// import 'g';",
    "/* import 'h'; */",
  ].join('\n');
  assert.deepEqual(
    importsOf(source).map(({ specifier, typeOnly }) => (typeOnly ? `type ${specifier}` : specifier)),
    ['a', 'b', 'type c', 'd', 'e', 'f'],
  );
});

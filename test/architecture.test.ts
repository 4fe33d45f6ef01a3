/** Checks the table of test/import-rules.ts, and the architecture's other rules, over the tree. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import path from 'node:path';
import { test } from 'node:test';
import { manifests } from '#connectors/index.ts';
import { remoteTypes } from '#core/words/reach.ts';
import { lintConfig, mayImport, ruleOf } from './import-rules.ts';

const root = path.join(import.meta.dirname, '..');
const sourceFolders = [
  'activities',
  'bench',
  'bin',
  'blobs',
  'cli',
  'config',
  'connectors',
  'core',
  'db',
  'faults',
  'gateway',
  'listener',
  'operate',
  'protocols',
  'standalone',
  'telemetry',
  'test',
  'text-worker',
  'twins',
  'worker',
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

function isAllowed({ file, specifier }: Import & { readonly file: string }): boolean {
  return isRelative(specifier) || mayImport(file, specifier);
}

function list(found: readonly (Import & { readonly file: string })[]): readonly string[] {
  return found.map(({ file, specifier }) => `${file} imports ${specifier}`);
}

test('every folder imports only what the architecture lets it, types included', () => {
  assert.deepEqual(list(imports.filter((one) => !isAllowed(one))), []);
});

test('every file has a rule: what is new may import nothing until somebody says what', () => {
  assert.deepEqual(
    files.map(({ file }) => file).filter((file) => ruleOf(file) === undefined),
    [],
  );
});

test('the linter holds the same table: npm run rules writes it into .oxlintrc.json', () => {
  const text = readFileSync(path.join(root, '.oxlintrc.json'), 'utf8');
  assert.deepEqual(JSON.parse(text), lintConfig(text));
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

/** Without comments. */
function codeOf(source: string): string {
  return source.replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '');
}

test('core has no clock, no randomness, no environment, no I/O and nothing asynchronous', () => {
  const impure =
    /\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|\brandomUUID\b|\bprocess\.|\bperformance\.|\bconsole\.|\bfetch\(|\basync\b|\bawait\b|\bPromise\b|\bsetTimeout\b/;
  const wrong = files
    .filter(({ file }) => file.startsWith('core/'))
    .map(({ file, source }) => ({ file, found: impure.exec(codeOf(source))?.[0] }))
    .filter(({ found }) => found !== undefined)
    .map(({ file, found }) => `${file}: ${found}`);
  assert.deepEqual(wrong, []);
});

/** Folders of connectors/ that speak to one product each. */
const products = readdirSync(path.join(root, 'connectors'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && !['contract', 'kit'].includes(entry.name))
  .map(({ name }) => name)
  .toSorted();

test('every connector has a manifest under its own name, a contract suite and a page', () => {
  const contracts = new Map(files.map(({ file, source }) => [file, source]));
  for (const product of products) {
    const manifest = manifests.find(({ type }) => type === product);
    assert.ok(manifest !== undefined, `connectors/index.ts does not list connectors/${product}/manifest.ts`);
    assert.ok(existsSync(path.join(root, 'connectors', product, 'manifest.ts')), `connectors/${product}/manifest.ts`);
    assert.equal(manifest.setup, `docs/connectors/${product}.md`);
    assert.ok(readFileSync(path.join(root, manifest.setup), 'utf8').startsWith('# '), manifest.setup);
    const suite = `test/connectors/${product}/contract.test.ts`;
    assert.match(contracts.get(suite) ?? '', /^\s*(?:if \(.*\) )?contractSuite\(/m, `${suite} runs no contract suite`);
    assert.ok(manifest.label !== '' && manifest.entities.length > 0, product);
  }
  assert.deepEqual(manifests.map(({ type }) => type).toSorted(), products);
  assert.deepEqual(
    manifests.filter(({ type }) => remoteTypes.some((remote) => remote === type)),
    [],
    'peer and api are no names for a connector',
  );
});

test('connectors/index.ts and manifests import no code of a connector', () => {
  const wrong = imports.filter(({ file, specifier }) => {
    if (file === 'connectors/index.ts') return !/^\.\/(?:contract\/\w+|[\w-]+\/manifest)\.ts$/.test(specifier);
    return (
      /^connectors\/[\w-]+\/manifest\.ts$/.test(file) &&
      file !== 'connectors/contract/manifest.ts' &&
      !['#connectors/contract/manifest.ts', './hint.ts', './wire.ts', './index.ts'].includes(specifier)
    );
  });
  assert.deepEqual(list(wrong), []);
});

test('core knows no product by name', () => {
  const names = new RegExp(`\\b(?:${[...products, ...manifests.map(({ label }) => label)].join('|')})\\b`, 'i');
  const wrong = files
    .filter(({ file }) => file.startsWith('core/'))
    .map(({ file, source }) => ({ file, found: names.exec(codeOf(source))?.[0] }))
    .filter(({ found }) => found !== undefined);
  assert.deepEqual(wrong, []);
});

test('only reach.ts of core and of db say what the types peer and api mean', () => {
  const compares = /\btype\b["`} ]{0,2} *(?:[!=]?==?|in|not in) *\(?\s*'(?:peer|api)'/;
  assert.ok(
    ["type === 'peer'", "i.type in ('peer', 'api')", "x.type not in ('api')", "i.type = 'api'"].every((code) =>
      compares.test(code),
    ),
  );
  const wrong = files
    .filter(({ file }) => !/^(?:test|bench|twins|standalone)\//.test(file) && !file.endsWith('/reach.ts'))
    .map(({ file, source }) => ({ file, found: compares.exec(codeOf(source))?.[0] }))
    .filter(({ found }) => found !== undefined);
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

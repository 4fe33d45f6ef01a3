/**
 * Checks that what the documents name exists: files, commands, settings, variables. The texts themselves are for people
 * to judge.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import { z } from 'zod';
import { manifests } from '#connectors/index.ts';
import { fileSchemaOf } from '#operate/apply/schema.ts';
import { checkout } from '#test/support/process.ts';

const fileSchema = fileSchemaOf(manifests.map(({ type }) => type));

/** Everything that is, or is about to be, in the repository. */
const files = execFileSync(
  'git',
  ['-c', 'safe.directory=*', 'ls-files', '--cached', '--others', '--exclude-standard', '-z'],
  {
    cwd: checkout,
    encoding: 'utf8',
    maxBuffer: 16 * 1024 * 1024,
  },
)
  .split('\0')
  .filter((file) => file !== '' && existsSync(join(checkout, file)));
const pages = files.filter((file) => file.endsWith('.md'));
const folders = new Set(files.flatMap((file) => parents(file)));

function parents(file: string): string[] {
  const dir = dirname(file);
  return dir === '.' ? [] : [dir, ...parents(dir)];
}

function read(file: string): string {
  return readFileSync(join(checkout, file), 'utf8');
}

function isThere(path: string): boolean {
  const clean = path.replace(/\/$/, '');
  return files.includes(clean) || folders.has(clean);
}

/** Fenced blocks of a language, without their fences. */
function blocks(page: string, language: string): string[] {
  return [...read(page).matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)]
    .filter(([, found]) => found === language)
    .map(([, , text = '']) => text);
}

/** Headings as the anchors that code hosts make of them. */
function anchors(page: string): Set<string> {
  return new Set(
    [...read(page).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
        .replaceAll(/\s/g, '-'),
    ),
  );
}

describe('the documents', () => {
  it('link to files and headings that exist', () => {
    assert.ok(pages.length > 5);
    const broken: string[] = [];
    for (const page of pages) {
      for (const [, target = ''] of read(page).matchAll(/\]\(([^)\s]+)\)/g)) {
        if (/^[a-z]+:/.test(target)) continue;
        const [path = '', anchor] = target.split('#');
        const file = path === '' ? page : normalize(join(dirname(page), path));
        if (!isThere(file)) broken.push(`${page} → ${target}`);
        else if (anchor !== undefined && file.endsWith('.md') && !anchors(file).has(anchor))
          broken.push(`${page} → ${target} (no such heading)`);
      }
    }
    assert.deepEqual(broken, []);
  });

  it('name files of the tree that exist', () => {
    const top = [...folders].filter((folder) => !folder.includes('/')).join('|');
    const path = new RegExp(`\`((?:${top})/[\\w./-]+)\``, 'g');
    const missing = pages.flatMap((page) =>
      [...read(page).matchAll(path)]
        .map(([, file = '']) => file)
        .filter((file) => !isThere(file))
        .map((file) => `${page}: ${file}`),
    );
    assert.deepEqual(missing, []);
  });

  it('use npm scripts and ferry commands that exist', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const commands = new Set(
      [
        ...`${read('cli/program.ts')}${read('cli/program-links.ts')}${read('cli/program-settings.ts')}`.matchAll(
          /command\('(\w+)'/g,
        ),
      ].map(([, name = '']) => name),
    );
    assert.ok(commands.has('apply') && commands.has('trace'));
    const unknown: string[] = [];
    for (const page of pages) {
      // Inside code only: prose may say that Ferry does something.
      const code = [...read(page).matchAll(/^```\w*\n([\s\S]*?)^```$|`([^`\n]+)`/gm)].map(([, a, b]) => a ?? b ?? '');
      for (const text of code) {
        for (const [, name = ''] of text.matchAll(/\bnpm (?:run )?(start|test|(?<=run )[\w:]+)/g))
          if (!Object.hasOwn(scripts, name)) unknown.push(`${page}: npm run ${name}`);
        for (const [, name = ''] of text.matchAll(/(?:^|\s|bin\/)ferry(?:\.js)? ([a-z]+)\b/gm))
          if (!commands.has(name)) unknown.push(`${page}: ferry ${name}`);
      }
    }
    assert.deepEqual(unknown, []);
  });

  it('show links files that have the right shape', () => {
    const shown = pages.flatMap((page) =>
      blocks(page, 'yaml')
        .map((text) => ({ page, value: parse(text) as Record<string, unknown> }))
        .filter(({ value }) => Object.keys(value).some((key) => Object.hasOwn(fileSchema.shape, key))),
    );
    assert.ok(shown.some(({ page }) => page === 'README.md'));
    const examples = files
      .filter((file) => /^examples\/.*\.ya?ml$/.test(file))
      .map((page) => ({ page, value: parse(read(page)) as unknown }));
    for (const { page, value } of [...shown, ...examples]) {
      const { error } = fileSchema.safeParse(value);
      assert.equal(error, undefined, `${page}: ${error?.message}`);
    }
  });
});

describe('README.md', () => {
  it('has the two commands at its top, and CI runs exactly the second', () => {
    const [start = '', test = ''] = blocks('README.md', 'sh')[0]?.split('\n') ?? [];
    assert.match(start, /^npm ci && npm start\s*(#.*)?$/);
    assert.match(test, /^npm ci && npm test\s*(#.*)?$/);
    assert.ok(read('README.md').indexOf('```sh') < 20, 'something comes before them');
    assert.equal(read('.ci/run').trimEnd().split('\n').at(-1), 'npm ci && npm test');
  });

  it('leads to every other page', () => {
    const reached = new Set(['README.md']);
    const queue = ['README.md'];
    for (let page = queue.pop(); page !== undefined; page = queue.pop()) {
      for (const [, target = ''] of read(page).matchAll(/\]\(([^)#\s:]+)[^)]*\)/g)) {
        const file = normalize(join(dirname(page), target));
        if (pages.includes(file) && !reached.has(file)) {
          reached.add(file);
          queue.push(file);
        }
      }
    }
    const ours = pages.filter((page) => !page.includes('/') || page.startsWith('docs/'));
    assert.deepEqual(
      ours.filter((page) => !reached.has(page)),
      [],
    );
  });
});

describe('docs/settings.md', () => {
  it('has every key of a links file', () => {
    const text = read('docs/settings.md');
    const missing = [...keysOf(z.toJSONSchema(fileSchema, { io: 'input', unrepresentable: 'any' }))].filter(
      (key) => !new RegExp(`\\b${key}\\b`).test(text),
    );
    assert.deepEqual(missing, []);
  });
});

/** Names of properties at any depth of a JSON Schema. */
function keysOf(schema: unknown, found = new Set<string>()): Set<string> {
  if (typeof schema !== 'object' || schema === null) return found;
  for (const [name, inner] of Object.entries(schema)) {
    if (name === 'properties' && typeof inner === 'object' && inner !== null)
      for (const key of Object.keys(inner)) found.add(key);
    keysOf(inner, found);
  }
  return found;
}

describe('docs/running.md', () => {
  it('has every variable that Ferry reads', () => {
    const text = read('docs/running.md');
    const variables = [...read('config/env.ts').matchAll(/^ {2}([A-Z][A-Z_]+): \{/gm)].map(([, name = '']) => name);
    assert.ok(variables.includes('DATABASE_URL'));
    assert.deepEqual(
      variables.filter((name) => !text.includes(`\`${name}\``)),
      [],
    );
  });
});

describe('docs/glossary.md', () => {
  const words = [...read('docs/glossary.md').matchAll(/^\| (\*\*.+?\*\*) \|/gm)].flatMap(([, cell = '']) =>
    [...cell.matchAll(/\*\*(.+?)\*\*/g)].map(([, word = '']) => word),
  );

  it('has every word of the vocabulary that people meet', () => {
    const [head = ''] = read('core/words/vocabulary.ts').split('*/');
    const known = [...head.matchAll(/\b([A-Z][a-z]+)(?: of a note)?: /g)].map(([, word = '']) => word.toLowerCase());
    assert.ok(known.length > 15 && known.includes('lane'));
    const inCodeOnly = ['ref', 'command'];
    assert.deepEqual(
      known.filter((word) => !words.includes(word) && !inCodeOnly.includes(word)),
      [],
    );
  });

  it('gives each word one meaning', () => {
    assert.equal(new Set(words).size, words.length);
  });
});

describe('docs/limits.md', () => {
  it('says where each limit is defined', () => {
    const rows = [...read('docs/limits.md').matchAll(/\| `([\w./-]+)` `(\w+)` \|$/gm)];
    assert.ok(rows.length > 20);
    const wrong = rows
      .filter(([, file = '', name = '']) => !isThere(file) || !new RegExp(`\\b${name}\\b`).test(read(file)))
      .map(([, file, name]) => `${file} ${name}`);
    assert.deepEqual(wrong, []);
  });
});

describe('docs/decisions', () => {
  it('has an index of all pages, numbered without gaps', () => {
    const names = files.filter((file) => /^docs\/decisions\/\d/.test(file)).toSorted();
    const index = read('docs/decisions/README.md');
    for (const [i, file] of names.entries()) {
      const number = String(i + 1).padStart(4, '0');
      const [, title = ''] = new RegExp(`^# ${number} (.+)\n`).exec(read(file)) ?? [];
      assert.notEqual(title, '', `${file} does not begin with "# ${number} …"`);
      assert.ok(index.includes(`| [${number}](${file.slice('docs/decisions/'.length)}) | ${title} |`), file);
    }
  });
});

describe('the repository', () => {
  const textFiles = files.filter((file) => !/\.(?:png|gif|ico|woff2?)$/.test(file));

  it('has no path of the machine it was written on, and no registry in it', () => {
    // Built here, so that this file does not contain them itself.
    const path = new RegExp(`(?<![\\w./~-])/(?:${['wo' + 'rk', 'ro' + 'ot', 'home/\\w+'].join('|')})/`);
    const hosts = [
      'registry.npm' + 'js',
      'registry.yarn' + 'pkg',
      'proxy.go' + 'lang',
      'deb.debi' + 'an',
      'files.python' + 'hosted',
    ];
    const found = textFiles.flatMap((file) => {
      const text = read(file);
      const what = path.exec(text)?.[0] ?? hosts.find((host) => text.includes(host));
      return what === undefined ? [] : [`${file}: ${what}`];
    });
    assert.deepEqual(found, []);
  });

  it('is under the Apache License 2.0, whole', () => {
    const text = read('LICENSE');
    for (const part of ['Version 2.0, January 2004', '9. Accepting Warranty', 'END OF TERMS AND CONDITIONS'])
      assert.ok(text.includes(part), part);
    assert.equal((JSON.parse(read('package.json')) as { license: string }).license, 'Apache-2.0');
  });

  it('has a change log that begins with the version of package.json', () => {
    const { version } = JSON.parse(read('package.json')) as { version: string };
    assert.equal(/^## (\d+\.\d+\.\d+)/m.exec(read('CHANGELOG.md'))?.[1], version);
  });
});

type Locked = {
  readonly version?: string;
  readonly resolved?: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
};

describe('package-lock.json', () => {
  const { packages } = JSON.parse(read('package-lock.json')) as { packages: Record<string, Locked> };

  it('holds the packages of every platform, so that npm ci works on all of them', () => {
    const missing = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies)
        .filter(
          (name) => ![`${path}/node_modules/${name}`, `node_modules/${name}`].some((at) => Object.hasOwn(packages, at)),
        )
        .map((name) => `${name} of ${path}`),
    );
    assert.deepEqual(missing, []);
  });

  it('names no registry, so that everybody installs from their own', () => {
    const named = Object.entries(packages).filter(([, { resolved }]) => resolved !== undefined);
    assert.deepEqual(named, []);
  });
});

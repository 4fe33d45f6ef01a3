/**
 * The table of docs/architecture.md: which file may import what. Types count like everything else. The linter's rules
 * are made from it by `npm run rules`; test/architecture.test.ts holds both over the tree.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

export type ImportRule = {
  /** Globs of repository paths, forward slashes. The last rule that fits a file is its rule. */
  readonly files: readonly string[];
  /**
   * Specifiers beside those of the file's own folder and those below it: `#core/**`, a package's name, `node:*` for
   * every built-in. `*` is everything.
   */
  readonly may: readonly string[];
  /** The linter's message when something else is imported. */
  readonly message: string;
};

/** Each room may use those before it. */
function rooms(folder: string, names: readonly string[], may: readonly string[], also = ''): readonly ImportRule[] {
  return names.map((name, index) => ({
    files: [`${folder}/${name}/**`],
    may: [...names.slice(0, index).map((earlier) => `#${folder}/${earlier}/**`), ...may],
    message: `${folder}/${name}: the rooms of ${folder} before it (${names.slice(0, index).join(', ') || 'none'})${also}.`,
  }));
}

const coreRooms = ['words', 'text', 'rules', 'lint', 'log', 'conversation'];
const dbRooms = ['schema', 'base', 'settings', 'log', 'carry', 'links', 'exchange', 'operate'];
const activityRooms = ['desk', 'watch', 'carry', 'exchange', 'pairing'];
const driver = ['undici', 'jose', 'ipaddr.js'];
const contractAndKit = ['#connectors/contract/**', '#connectors/kit/**'];
const database = ['drizzle-orm', 'drizzle-orm/**', 'postgres'];
const work = [
  'node:*',
  '#core/**',
  '#db/**',
  '#blobs/**',
  '#text-worker/**',
  ...contractAndKit,
  '#protocols/**',
  '#workflows/contract.ts',
  '@temporalio/activity',
];
const listen = [
  'node:*',
  '#core/**',
  '#db/**',
  '#blobs/**',
  '#text-worker/**',
  '#config/**',
  '#gateway/**',
  '#telemetry/**',
  '#listener/**',
  '#workflows/contract.ts',
  ...['hono', 'hono/**', '@hono/**', 'zod', 'jose', 'content-disposition', 'file-type'],
];

function except(rule: ImportRule, files: readonly string[], packages: readonly string[]): ImportRule {
  return {
    files,
    may: [...rule.may, ...packages],
    message: `${rule.message.replace(/\.$/, '')}, and ${packages.join(', ')} here only.`,
  };
}

function only(files: readonly string[], may: readonly string[], message: string): ImportRule {
  return { files, may, message };
}

function roomOf(rules: readonly ImportRule[], file: string): ImportRule {
  const rule = rules.find(({ files }) => files.includes(file));
  if (rule === undefined) throw new Error(`There is no room ${file}.`);
  return rule;
}

const core = rooms('core', coreRooms, ['#core/wire.ts'], ' and wire.ts; no package');
const wire = only(['core/wire.ts'], ['#core/words/**', 'zod'], 'core/wire.ts: core/words and zod.');
const connector = only(
  ['connectors/*/**'],
  ['node:*', '#core/**', ...contractAndKit, ...driver],
  `A connector: core, connectors/contract, connectors/kit, ${driver.join(', ')}; never another connector.`,
);
const activities = rooms('activities', activityRooms, [
  ...work,
  ...['deps', 'turn', 'bells', 'pace', 'plain-failure', 'report'].map((name) => `#activities/${name}.ts`),
]);

export const importRules: readonly ImportRule[] = [
  ...core,
  except(roomOf(core, 'core/rules/**'), ['core/rules/settings.ts'], ['zod']),
  except(roomOf(core, 'core/text/**'), ['core/text/html.ts'], ['sanitize-html', 'html-to-text']),
  except(roomOf(core, 'core/text/**'), ['core/text/markup.ts', 'core/text/images.ts'], ['htmlparser2']),
  except(roomOf(core, 'core/text/**'), ['core/text/plain.ts'], ['entities']),
  except(roomOf(core, 'core/text/**'), ['core/text/fingerprint.ts'], ['node:crypto']),
  except(roomOf(core, 'core/log/**'), ['core/log/constant.ts', 'core/log/judge-batch.ts'], ['node:crypto']),
  wire,
  only(['config/**'], ['node:*', 'zod', 'pino', 'jose'], 'config: zod, pino, jose.'),
  only(
    ['telemetry/**'],
    [
      'node:*',
      '#core/**',
      '#db/**',
      '#config/**',
      '#listener/**',
      '#connectors/contract/**',
      'prom-client',
      '@opentelemetry/*',
    ],
    'telemetry: core, db, config, listener, connectors/contract, prom-client, @opentelemetry/*.',
  ),
  only(['blobs/**'], ['node:*'], 'blobs imports nothing.'),
  only(['listener/**'], ['node:*'], 'listener imports nothing.'),
  only(['text-worker/**'], ['node:*', '#core/**'], 'text-worker: core.'),
  only(['connectors/contract/**'], ['node:*', '#core/**'], 'connectors/contract: core.'),
  connector,
  only(
    ['connectors/kit/**'],
    ['node:*', '#core/**', '#connectors/contract/**', ...driver, 'zod'],
    `connectors/kit: core, connectors/contract, ${driver.join(', ')}, zod.`,
  ),
  except(connector, ['connectors/*/wire.ts'], ['zod']),
  only(
    ['connectors/*/manifest.ts'],
    ['#connectors/contract/manifest.ts'],
    "A manifest: its contract and its own folder's settings and hints; index.ts only by import().",
  ),
  only(['connectors/contract/manifest.ts'], ['zod'], "connectors/contract/manifest.ts: the contract and zod's types."),
  only(['connectors/index.ts'], [], 'connectors/index.ts: the contract and manifests.'),
  only(
    ['protocols/*/**'],
    ['node:*', '#core/**', ...contractAndKit, ...driver, 'zod', 'oauth4webapi', 'standardwebhooks'],
    `A protocol: core, connectors/contract, connectors/kit, ${driver.join(', ')}, zod, oauth4webapi, standardwebhooks.`,
  ),
  ...rooms('db', dbRooms, ['node:*', '#core/**', ...database], ', core, drizzle-orm, postgres'),
  ...activities,
  except(roomOf(activities, 'activities/carry/**'), ['activities/carry/picture-name.ts'], ['file-type']),
  only(
    ['activities/*.ts'],
    [...work, '#activities/**'],
    'activities: core, db, blobs, contract and kit, protocols, workflows/contract.ts, @temporalio/activity.',
  ),
  only(['activities/notify.ts'], [...work, 'nodemailer'], 'notify.ts: what activities may, and nodemailer.'),
  only(
    ['workflows/**'],
    ['@temporalio/workflow', '@temporalio/common', '#activities/**'],
    'workflows, for the sandbox: @temporalio/workflow, @temporalio/common, and the types of activities.',
  ),
  only(['workflows/contract.ts'], [], 'workflows/contract.ts imports nothing.'),
  only(['worker/**'], ['*'], 'worker wires what it runs.'),
  only(
    ['gateway/**'],
    listen,
    'gateway: core, db, blobs, config, telemetry, listener, workflows/contract.ts, hono, @hono/*, zod, jose.',
  ),
  only(['gateway/main.ts', 'gateway/wire-federation.ts'], ['*'], 'main.ts wires the product, never twins.'),
  only(
    ['operate/**'],
    ['node:*', '#core/**', '#db/**', '#config/**', '#connectors/contract/**', '#operate/**', 'yaml', 'zod'],
    'operate: core, db, config, connectors/contract, yaml, zod; never hono, commander, html.',
  ),
  only(
    ['cli/**'],
    ['node:*', '#core/**', '#operate/**', '#cli/**', 'commander'],
    'cli: operate, core to display, commander; never db, connectors, protocols.',
  ),
  only(['cli/main.ts', 'cli/wire.ts'], ['*'], 'main.ts and wire.ts wire the command line.'),
  only(['standalone/**'], ['*'], 'standalone wires what it runs.'),
  only(
    ['twins/**'],
    ['node:*', '#twins/**', '#listener/**', 'hono', 'hono/**', '@hono/**', 'undici'],
    'twins: listener, hono; never connectors or db.',
  ),
  only(['bench/**', 'faults/**', 'test/**', 'bin/**'], ['*'], 'wires what it tries.'),
];

/** Folders that nobody may import but those that name them. */
export const closed: readonly { readonly folder: string; readonly to: readonly string[]; readonly why: string }[] = [
  {
    folder: 'cli',
    to: ['cli', 'test', 'bin', 'bench'],
    why: 'nothing runs through the command line but people',
  },
  {
    folder: 'twins',
    to: ['twins', 'standalone', 'test', 'bench', 'faults'],
    why: 'no stand-in is part of the product',
  },
  { folder: 'test', to: ['test', 'faults'], why: 'tests are no part of the product' },
  { folder: 'bench', to: ['bench', 'test', 'faults'], why: 'benchmarks are no part of the product' },
  { folder: 'faults', to: ['faults', 'test'], why: 'the fault bench is no part of the product' },
];

/** Returns the rule for a file; undefined if none fits, which the architecture's test forbids. */
export function ruleOf(file: string): ImportRule | undefined {
  return importRules.findLast(({ files }) => files.some((glob) => path.matchesGlob(file, glob)));
}

/** Whether a file may import a specifier that is not below its own folder. */
export function mayImport(file: string, specifier: string): boolean {
  const folder = specifier.startsWith('#') ? specifier.slice(1).split('/')[0] : undefined;
  const shut = closed.find((one) => one.folder === folder);
  if (shut !== undefined && !shut.to.some((name) => file.startsWith(`${name}/`))) return false;
  const matches = (glob: string): boolean =>
    glob === '*' || (glob === 'node:*' ? specifier.startsWith('node:') : path.matchesGlob(specifier, glob));
  return (ruleOf(file)?.may ?? []).some(matches);
}

const upwards = { group: ['../**', '..'], message: './x.ts inside a folder, #folder/x.ts across folders.' };

/** `overrides` of .oxlintrc.json that hold the table. */
export function lintOverrides(): readonly unknown[] {
  return importRules.map(({ files, may, message }) => ({
    files,
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            upwards,
            ...(may.includes('*')
              ? []
              : [
                  {
                    group: [
                      '**',
                      '!./**',
                      ...may.flatMap((glob) => (glob === 'node:*' ? ['!node:*', '!node:*/**'] : [`!${glob}`])),
                    ],
                    message,
                  },
                ]),
          ],
        },
      ],
    },
  }));
}

/** .oxlintrc.json as the table wants it. */
export function lintConfig(text: string): unknown {
  const config: { overrides: { rules: Record<string, unknown> }[] } = JSON.parse(text);
  const others = config.overrides.filter(({ rules }) => !('no-restricted-imports' in rules));
  return { ...config, overrides: [...others, ...lintOverrides()] };
}

if (import.meta.main) {
  const file = path.join(import.meta.dirname, '..', '.oxlintrc.json');
  writeFileSync(file, `${JSON.stringify(lintConfig(readFileSync(file, 'utf8')), null, 2)}\n`);
}

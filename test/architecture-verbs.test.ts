/**
 * Checks over the tree that data owned by operators is changed only by verbs of operate/, each of which checks its
 * right first and writes its audit row in the same transaction, and by what Ferry does without an operator, which is
 * listed here.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { rights } from '#operate/rights.ts';

const root = path.join(import.meta.dirname, '..');

type Source = { readonly file: string; readonly code: string };

/** Without comments. */
function sourcesOf(folder: string): readonly Source[] {
  return readdirSync(path.join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
    .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)).replaceAll(path.sep, '/'))
    .sort()
    .map((file) => ({
      file,
      code: readFileSync(path.join(root, file), 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, ''),
    }));
}

/** Functions of db that a verb alone may call. */
const byOperators: Readonly<Record<string, readonly string[]>> = {
  'db/links/api-clients.ts': ['addApiClient', 'createApiLink', 'rotateClientSecret'],
  'db/links/clients.ts': ['addClient', 'addClientSecret', 'requireProof', 'revokeClient'],
  'db/links/keys.ts': ['retireKey', 'rotateKey'],
  'db/links/link-compare.ts': ['continueAbove', 'forgetReceived', 'requeueAbove'],
  'db/links/link-life.ts': ['createRemoteLink', 'moveLink', 'setContact'],
  'db/links/link-purge.ts': ['purgeLink'],
  'db/links/pairings.ts': ['createAcceptance', 'createInvitation'],
  'db/links/peers.ts': ['requireProofs'],
  'db/links/put-off-end.ts': ['suspendUntil'],
  'db/operate/erase-trials.ts': ['eraseTrials'],
  'db/operate/erase.ts': ['eraseActions', 'eraseSnapshots'],
  'db/operate/erasures.ts': ['answerReceived', 'askErasure'],
  'db/operate/learned.ts': ['relearn'],
  'db/operate/operate.ts': ['releaseDelivery', 'resumeMirror', 'retryInstance', 'skipDelivery'],
  'db/operate/replay.ts': ['replayDelivery'],
  'db/operate/reseal-contents.ts': ['forgetContentKeys', 'sealRow'],
  'db/operate/restored.ts': ['endQuarantine'],
  'db/operate/sealed-secrets.ts': ['replaceSealed'],
  'db/operate/trials.ts': ['endTrial', 'forgetTrial', 'keepTrial'],
  'db/settings/which-desk.ts': ['moveDesk', 'replaceDesk'],
  'db/settings/keep-version.ts': ['keepVersion'],
  'db/settings/apply-links.ts': ['endShadow', 'saveInstance', 'saveLink', 'saveProfile', 'saveSide'],
};

/** Functions of db that gateways and workers call as well, when nobody asked them to. */
const byItself: Readonly<Record<string, readonly string[]>> = {
  'db/links/claim-peers.ts': ['claimPeers'],
  'db/links/clients.ts': ['rememberClientKeys'],
  'db/links/generations.ts': ['beat', 'beginGeneration'],
  'db/links/identity.ts': ['beginHere'],
  'db/links/keys.ts': ['ensureKeys'],
  'db/links/link-close.ts': ['closeLink', 'finishClosing'],
  'db/links/link-compare.ts': ['forgetUncarried'],
  'db/links/link-life.ts': ['createPeerLink', 'notePairing', 'setLinkState'],
  'db/links/memory.ts': ['createMemory'],
  'db/links/pairings.ts': [
    ...['duePairings', 'endPairing', 'forgetCode', 'saveCheck', 'saveChecks', 'startChecks', 'takeInvitation'],
  ],
  'db/links/peers.ts': ['savePeerSaid'],
  'db/links/seen-jtis.ts': ['seeOnce'],
  'db/operate/erasures.ts': ['claimErasures', 'noteAnswer', 'receiveErasure'],
  'db/operate/instance-notices.ts': ['noticeInstances'],
  'db/operate/learned.ts': ['learnMore'],
  'db/operate/end-pauses.ts': ['endPauses'],
  'db/operate/lift-pauses.ts': ['liftPauses'],
  'db/operate/maintenance.ts': ['purge'],
  'db/operate/missing.ts': ['lookAgain', 'lookForStranger', 'noteMissing', 'seenAgain'],
  'db/settings/apply-links.ts': ['saveCatalogue'],
  'db/settings/catalogue-age.ts': ['claimCatalogue'],
  'db/settings/clock.ts': ['saveClock'],
  'db/settings/instances.ts': ['keepIdentity'],
  'db/settings/rot.ts': ['clearMended', 'noteRot'],
};

const ownedRooms = ['db/settings/', 'db/links/', 'db/operate/'];
/** Verbs call these of `byItself` in the transaction of their audit as well. */
const inTransaction = new Set([
  ...Object.values(byOperators).flat(),
  'clearMended',
  'closeLink',
  'ensureKeys',
  'noteRot',
  'startChecks',
]);

type Fn = { readonly file: string; readonly name: string; readonly isExported: boolean; readonly body: string };

function functionsOf({ file, code }: Source): readonly Fn[] {
  return code.split(/^(?=(?:export )?(?:async )?function\b)/m).flatMap((body) => {
    const found = /^(export )?(?:async )?function\*? (\w+)/.exec(body);
    return found === null ? [] : [{ file, name: found[2] ?? '', isExported: found[1] !== undefined, body }];
  });
}

/** `[local name, file, name there]` of everything that is imported by name; types as well. */
function namedImports({ file, code }: Source): readonly (readonly [string, string, string])[] {
  return [...code.matchAll(/^import(?:\s+type)?\s*\{([^}]*)\}\s*from\s*'([^']+)'/gm)].flatMap(
    ([, names = '', from = '']) =>
      names.split(',').flatMap((part) => {
        const [there, here] = part
          .trim()
          .replace(/^type\s+/, '')
          .split(/\s+as\s+/);
        const target = from.startsWith('#') ? from.slice(1) : path.posix.join(path.posix.dirname(file), from);
        return there === undefined || there === '' ? [] : [[here ?? there, target, there] as const];
      }),
  );
}

const writesItself =
  /\binsert\s+into\b|\bdelete\s+from\b|\bupdate\s+(?:[a-z_]+|\$\{[^}]+\})\s+(?:[a-z]+\s+)?set\b|\bcreate table\b|\b(?:tx|db)\s*\.(?:insert|update|delete)\(/;

/** Exported functions of db that write, by themselves or through others: `file name`. */
function writers(sources: readonly Source[]): ReadonlySet<string> {
  const functions = sources.flatMap(functionsOf);
  const imported = new Map(sources.map((source) => [source.file, namedImports(source)]));
  const found = new Set(
    functions.filter(({ body }) => writesItself.test(body)).map(({ file, name }) => `${file} ${name}`),
  );
  for (let before = -1; before !== found.size;) {
    before = found.size;
    for (const { file, name, body } of functions) {
      const isCalled = (called: string): boolean => new RegExp(`\\b${called}\\(`).test(body.slice(body.indexOf('(')));
      const own = functions.filter((one) => one.file === file && one.name !== name && found.has(`${file} ${one.name}`));
      const others = (imported.get(file) ?? []).filter(([, target, there]) => found.has(`${target} ${there}`));
      if (own.some((one) => isCalled(one.name)) || others.some(([here]) => isCalled(here)))
        found.add(`${file} ${name}`);
    }
  }
  const exported = new Set(functions.filter(({ isExported }) => isExported).map(({ file, name }) => `${file} ${name}`));
  return new Set([...found].filter((one) => exported.has(one)));
}

const listed = (table: Readonly<Record<string, readonly string[]>>): string[] =>
  Object.entries(table).flatMap(([file, names]) => names.map((name) => `${file} ${name}`));

const operate = sourcesOf('operate');
const rooms = operate.filter(({ file }) => file.split('/').length > 2);

test('every function of db that changes what operators own is named here: by verbs only, or by Ferry itself too', () => {
  const found = [...writers(sourcesOf('db'))].filter((one) => ownedRooms.some((room) => one.startsWith(room)));
  assert.deepEqual(found.toSorted(), [...listed(byOperators), ...listed(byItself)].toSorted());
});

test('what operators own is changed by operate, and by what gateways and workers do by themselves, nowhere else', () => {
  const folders = ['activities', 'blobs', 'cli', 'config', 'connectors', 'core', 'gateway', 'protocols', 'standalone'];
  const own = new Set(listed(byOperators));
  const shared = new Set(listed(byItself));
  const wrong = [...folders, 'worker', 'workflows'].flatMap(sourcesOf).flatMap((source) =>
    namedImports(source)
      .map(([, target, there]) => `${target} ${there}`)
      .filter((used) => own.has(used) || (shared.has(used) && !/^(?:activities|gateway|worker)\//.test(source.file)))
      .map((used) => `${source.file} uses ${used}`),
  );
  assert.deepEqual(wrong, []);
});

/** Calls of functions that change something which are not given `tx`, and such functions handed on unseen. */
function outsideTransaction(source: Source): readonly string[] {
  const { file, code } = source;
  const text = code.replaceAll(/^import[\s\S]*?from\s*'[^']+';$/gm, '').replaceAll(/'(?:[^'\\\n]|\\.)*'/g, "''");
  return namedImports(source)
    .filter(([, target, there]) => target.startsWith('db/') && inTransaction.has(there))
    .flatMap(([here]) => [
      ...[...text.matchAll(new RegExp(`(?<![\\w.])${here}\\(\\s*(\\w*)`, 'g'))]
        .filter(([, first]) => first !== 'tx')
        .map(() => `${file}: ${here} is not given the transaction of change()`),
      ...(new RegExp(`(?<![\\w.])${here}(?![\\w(])`).test(text)
        ? [`${file}: ${here} is handed on, so that nobody sees what it is given`]
        : []),
    ]);
}

test('a verb changes something only in the transaction that writes its audit', () => {
  assert.deepEqual(operate.flatMap(outsideTransaction), []);
});

test('only change() begins a transaction and writes the audit, so that a verb can not do the one without the other', () => {
  const wrong = operate
    .filter(({ file }) => file !== 'operate/change.ts')
    .flatMap(({ file, code }) => (/\.transaction\(|\bwriteAudit\b|\.(?:execute|insert)\(/.test(code) ? [file] : []));
  assert.deepEqual(wrong, []);
  const change = operate.find(({ file }) => file === 'operate/change.ts')?.code ?? '';
  assert.match(change, /db\.transaction\(async \(tx\) => \{[\s\S]*writeAudit\(tx, actor, audit\)/);
});

type Verb = { readonly file: string; readonly name: string; readonly operator: string; readonly body: string };

/** Exported functions that are given a whole operator. */
function verbsOf(source: Source): readonly Verb[] {
  return functionsOf(source).flatMap(({ file, name, isExported, body }) => {
    const found = /^[^(]*\(\s*(\{[^}]*\}|\w+): (?:Helpdesk|Peer|Check|Desk|Preview)?Operator\b/.exec(body);
    return isExported && found !== null ? [{ file, name, operator: found[1] ?? '', body }] : [];
  });
}

function withoutRight({ file, name, operator, body }: Verb): readonly string[] {
  if (operator !== 'operator') return [`${file} ${name} takes its operator apart before it asks for its right`];
  const first = /\): [^;]*?\{\n\s*allow\(operator, '[\w-]+'(, [^;]*)?\);/.exec(body);
  if (first === null) return [`${file} ${name} does not begin with allow(operator, …)`];
  const isWithin = first[1] !== undefined || /\b(?:inReach|reaches)\(/.test(body);
  return isWithin ? [] : [`${file} ${name} never asks whether the link is within reach`];
}

const verbs = rooms.flatMap(verbsOf);

test('every verb says first what right it needs, and asks for the link where it finds it by itself', () => {
  assert.deepEqual(verbs.flatMap(withoutRight), []);
  assert.ok(verbs.length >= 20, `only ${verbs.length} verbs were found: is the test looking at the right things?`);
});

test('every right of the table is asked for by a verb', () => {
  const asked = new Set(
    verbs.flatMap(({ body }) => [...body.matchAll(/allow\(operator, '([\w-]+)'/g)].map(([, right]) => right)),
  );
  assert.deepEqual(
    Object.keys(rights).filter((right) => !asked.has(right)),
    [],
  );
});

test('these rules see a write through another function, a call without the transaction, and a verb without a right', () => {
  const db: Source[] = [
    {
      file: 'db/a/one.ts',
      code: 'export async function one(tx: Tx) {\n  await tx.execute(sql`update links l set x = 1`);\n}\n',
    },
    {
      file: 'db/a/two.ts',
      code: "import { one as uno } from './one.ts';\nexport async function two(tx: Tx) {\n  await uno(tx);\n}\nexport function three() {\n  return 3;\n}\n",
    },
  ];
  assert.deepEqual([...writers(db)], ['db/a/one.ts one', 'db/a/two.ts two']);
  assert.deepEqual(namedImports({ file: 'cli/x/y.ts', code: "import { a, type B, c as d } from '#db/e.ts';" }), [
    ['a', 'db/e.ts', 'a'],
    ['B', 'db/e.ts', 'B'],
    ['d', 'db/e.ts', 'c'],
  ]);
  const verb = (body: string): Source => ({
    file: 'operate/links/x.ts',
    code: `import { moveLink as move } from '#db/links/link-life.ts';\nexport async function x(operator: Operator): Promise<void> {\n${body}\n}\n`,
  });
  const seen = (body: string): number => outsideTransaction(verb(body)).length;
  assert.equal(seen("  await move(tx, 'a', 'active', null);"), 0);
  assert.equal(seen("  await move(operator.db, 'a', 'active', null);"), 1);
  assert.equal(seen('  await run(operator.db, move);'), 1);
  const blamed = (body: string): readonly string[] => verbsOf(verb(body)).flatMap(withoutRight);
  assert.deepEqual(blamed("  allow(operator, 'status', everywhere);"), []);
  assert.match(blamed("  const a = 1;\n  allow(operator, 'status', everywhere);").join(), /does not begin with allow/);
  assert.match(blamed("  allow(operator, 'status');").join(), /within reach/);
});

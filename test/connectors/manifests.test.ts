import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createHelpdesk, hintOf, manifestOf, manifests } from '#connectors/index.ts';
import { filesLoadedBy } from '#test/support/loaded.ts';

/** Files of connectors that a process may have loaded before it drives a helpdesk. */
const selfDescription = /^connectors\/(?:index|contract\/[\w-]+|kit\/[\w-]+|[\w-]+\/(?:manifest|hint|wire))\.ts$/;

function connectorsIn(loaded: readonly string[]): readonly string[] {
  return loaded.filter((file) => file.startsWith('connectors/'));
}

test('the gateway loads what reads hints and no code that speaks to a helpdesk', async () => {
  const loaded = connectorsIn(await filesLoadedBy("await import('#gateway/main.ts')"));
  for (const { type } of manifests) assert.ok(loaded.includes(`connectors/${type}/hint.ts`), type);
  assert.deepEqual(
    loaded.filter((file) => !selfDescription.test(file)),
    [],
  );
});

test('a helpdesk loads the connector of its own type and no other', async () => {
  const code = (files: readonly string[]): string[] =>
    connectorsIn(files).filter((file) => !selfDescription.test(file));
  for (const { type } of manifests) {
    const statements = `const { manifestOf } = await import('#connectors/index.ts'); await manifestOf('${type}').create()`;
    const loaded = code(await filesLoadedBy(statements));
    assert.ok(loaded.includes(`connectors/${type}/index.ts`), type);
    assert.deepEqual(
      loaded.filter((file) => !file.startsWith(`connectors/${type}/`)),
      [],
    );
  }
});

test('every manifest makes what index.ts of its folder exports, and refuses settings that are wrong', async () => {
  for (const manifest of manifests) {
    assert.equal(manifestOf(manifest.type), manifest);
    assert.equal(hintOf(manifest.type), manifest.hintOf);
    const { createHelpdesk: make } = await manifest.create();
    assert.equal(typeof make, 'function');
    const context = { instance: 'acme', url: 'https://desk.example', credentials: { nothing: 'planted' }, options: {} };
    await assert.rejects(
      createHelpdesk(manifest.type, {
        ...context,
        take: () => Promise.reject(new Error('unused')),
        http: { request: () => Promise.reject(new Error('unused')), stream: () => Promise.reject(new Error('unused')) },
      }),
      (error: Error & { code?: string }) => error.code === 'bad-settings' && !error.message.includes('planted'),
    );
  }
});

test('a type without a connector has no hints and no helpdesk', async () => {
  for (const type of ['peer', 'api', 'constructor', '']) {
    assert.equal(manifestOf(type), null);
    assert.deepEqual(hintOf(type)({ ticket: 1 }), []);
    await assert.rejects(createHelpdesk(type, {} as never), /no connector for the type/);
  }
});

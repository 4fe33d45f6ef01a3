import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { cp, mkdir, readFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, suite, test } from 'node:test';
import { promisify } from 'node:util';

import { startTimeOf } from '#standalone/machine/process-identity.ts';

import { checkout, startProgram } from '#test/support/process.ts';
import type { Program } from '#test/support/process.ts';
import { tempDir } from '#test/support/temp.ts';
import type { TempDir } from '#test/support/temp.ts';
import { until } from '#test/support/wait.ts';

const ferry = join(checkout, 'bin', 'ferry.js');
const stub = join(checkout, 'test/standalone/stubs/command.ts');

let temp: TempDir;
/** The Nodes to start it with: this one, and an older one if there is one. */
const nodes: string[] = [process.execPath];

before(async () => {
  temp = await tempDir(0o755);
  for (const path of ['/usr/bin/node', '/usr/local/bin/node']) {
    const { stdout } = await promisify(execFile)(path, ['--version']).catch(() => ({ stdout: '' }));
    if (/^v2[0-3]\./.test(stdout)) nodes.push(path);
  }
});
after(() => temp.remove());

function run(node: string, args: readonly string[], bin = ferry): Promise<Program> {
  return startProgram({
    program: 'ferry',
    command: node,
    args: [bin, ...args],
    env: { FERRY_TEST_PROGRAM: stub },
    // Neither checkout nor anything of it is near.
    cwd: temp.path,
  });
}

suite('the command', () => {
  test('runs from any directory, with any Node from 20 on, and hands on arguments and exit code', async (t) => {
    if (nodes.length === 1) t.diagnostic('no older Node is installed here; only this one was tried');
    for (const node of nodes) {
      const program = await run(node, ['exit', '7', 'a b', '--json']);
      assert.equal((await program.ended).code, 7);
      assert.match(program.stdout(), /^node 2[4-9]/m);
      assert.match(program.stdout(), /args \["exit","7","a b","--json"\]/);
      assert.equal(program.stderr(), '');
    }
  });

  test('hands on SIGINT and SIGTERM and waits for an orderly end', async () => {
    for (const node of nodes)
      for (const signal of ['SIGINT', 'SIGTERM'] as const) {
        const program = await run(node, ['wait']);
        await program.line(/waiting/);
        program.signal(signal);
        assert.equal((await program.ended).code, 5);
        assert.match(program.stdout(), new RegExp(`ending by ${signal}`));
      }
  });

  test('killed, it leaves no command running', async () => {
    for (const node of nodes) {
      const program = await run(node, ['wait']);
      const [, pid] = await program.line(/waiting as (\d+)/);
      await program.kill9();
      await until(async () => (await startTimeOf(Number(pid))) === undefined, {
        what: 'the end of the command',
      });
    }
  });

  test('started by npm, it ends when npm is killed', async () => {
    for (const node of nodes) {
      const npm = await startProgram({
        program: 'npm',
        command: '/bin/sh',
        args: ['-c', `"$0" "$1" wait & wait`, node, ferry],
        env: { FERRY_TEST_PROGRAM: stub, npm_lifecycle_event: 'start' },
      });
      const [, pid] = await npm.line(/waiting as (\d+)/);
      npm.signal('SIGKILL');
      await until(async () => (await startTimeOf(Number(pid))) === undefined, {
        what: 'the end of the command',
      });
      await npm.ended;
    }
  });

  test('by a link, as npm installs it, finds itself', async () => {
    const link = join(temp.path, 'ferry');
    await symlink(ferry, link);
    const program = await run(process.execPath, ['exit', '0'], link);
    assert.equal((await program.ended).code, 0);
  });

  test('without a Node that is new enough says so in one line', async (t) => {
    const [, old] = nodes;
    if (old === undefined) return t.skip('no older Node is installed here');
    const bare = join(temp.path, 'bare');
    await mkdir(join(bare, 'bin'), { recursive: true });
    await cp(join(checkout, 'package.json'), join(bare, 'package.json'));
    await cp(join(checkout, 'bin'), join(bare, 'bin'), { recursive: true });
    const program = await run(old, ['exit', '0'], join(bare, 'bin', 'ferry.js'));
    assert.equal((await program.ended).code, 69);
    assert.equal(program.stderr().trimEnd().split('\n').length, 1);
    assert.match(program.stderr(), /Node 24\.12 or later is needed, this is 2\d\..*\[wrong-node\]/);
  });

  test('is executable and names its interpreter', async () => {
    assert.match(await readFile(ferry, 'utf8'), /^#!\/usr\/bin\/env node\n/);
  });
});

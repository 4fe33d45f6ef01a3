import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { endLeftovers } from '#standalone/machine/leftovers.ts';
import { startedAt, startTimeOf } from '#standalone/machine/process-identity.ts';
import { readRunFile, writeRunFile } from '#standalone/machine/run-file.ts';
import type { RecordedChild } from '#standalone/machine/run-file.ts';

import { isAlive, startProgram } from '#test/support/process.ts';
import type { Program } from '#test/support/process.ts';
import { tempDir } from '#test/support/temp.ts';
import type { TempDir } from '#test/support/temp.ts';

let temp: TempDir;
before(async () => {
  temp = await tempDir();
});
after(() => temp.remove());

function bystander(): Promise<Program> {
  return startProgram({
    program: 'test/standalone/stubs/worker.ts',
    ready: /ready/,
    detached: true,
  });
}

async function record(children: readonly RecordedChild[]): Promise<void> {
  const starter = { pid: process.pid, started: 'another time' };
  await writeRunFile(temp.path, { version: 1, phase: 'running', starter, children });
}

test('a process that has a recorded pid but started at another time is left alone', async () => {
  const program = await bystander();
  const started = (await startTimeOf(program.pid)) ?? '';
  await record([{ name: 'worker', pid: program.pid, started: `${started}0` }]);
  assert.deepEqual(await endLeftovers(temp.path, () => {}), []);
  assert.ok(isAlive(program.pid));
  await program.stop();
});

test('a process with recorded pid and start time is ended, and the record with it', async () => {
  const program = await bystander();
  const started = (await startTimeOf(program.pid)) ?? '';
  await record([{ name: 'worker', pid: program.pid, started }]);
  const said: string[] = [];
  assert.deepEqual(await endLeftovers(temp.path, (line) => said.push(line)), ['worker']);
  assert.equal((await program.ended).code, 0);
  assert.equal(said.length, 1);
  assert.equal(await readRunFile(temp.path), undefined);
});

test('a frozen process is ended too, in order', async () => {
  const program = await bystander();
  program.freeze();
  const started = (await startTimeOf(program.pid)) ?? '';
  await record([{ name: 'acme', pid: program.pid, started }]);
  assert.deepEqual(await endLeftovers(temp.path, () => {}), ['acme']);
  assert.equal((await program.ended).code, 0);
});

test('a record that cannot be read ends nothing', async () => {
  for (const text of ['', '{', '[]', '{"version":1,"starter":{"pid":1,"started":"x"},"children":[]}']) {
    await writeFile(join(temp.path, 'run.json'), text);
    assert.deepEqual(await endLeftovers(temp.path, () => {}), []);
  }
});

test('start times tell two processes apart, and agree with the clock', async () => {
  const before = Date.now() / 1000;
  const program = await bystander();
  assert.notEqual(await startTimeOf(program.pid), await startTimeOf(process.pid));
  assert.equal(await startTimeOf(program.pid), await startTimeOf(program.pid));
  const seconds = (await startedAt(program.pid)) ?? 0;
  const after = Date.now() / 1000;
  assert.ok(seconds > before - 10 && seconds < after + 10, `${before} ≤ ${seconds} ≤ ${after}`);
  await program.stop();
  assert.equal(await startTimeOf(program.pid), undefined);
});

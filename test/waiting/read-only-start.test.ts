import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { startProgram } from '#test/support/process.ts';
import { startRig, type Rig } from '#test/federation/rig.ts';

describe('a worker that starts while PostgreSQL takes no writes', () => {
  let rig: Rig;
  before(async () => {
    rig = await startRig('read_only_start');
  });
  after(() => rig.close());

  it('says so, waits, and starts without help once it accepts them', async () => {
    const turn = (how: 'on' | 'off'): Promise<unknown> =>
      rig.connection.sql.unsafe(`alter database ${rig.database.name} set default_transaction_read_only = ${how}`);
    await turn('on');
    const worker = await startProgram({ program: 'test/federation/worker-main.ts', env: rig.env });
    try {
      await worker.line(/database can't be reached; trying again/);
      assert.doesNotMatch(worker.stdout(), /"ready":true/);
      await turn('off');
      await worker.line(/"ready":true/);
    } finally {
      assert.deepEqual(await worker.stop(), { code: 0, signal: null });
    }
  });
});

// Tests the API against its own document with a tool that knows only the document: schemathesis, from PyPI. Skipped,
// with one visible line, if it is not installed; CI has it.
import assert from 'node:assert/strict';
import { accessSync, constants } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { startProgram } from '#test/support/process.ts';
import { tempDir } from '#test/support/temp.ts';
import { startApiRig, type ApiRig } from './api-rig.ts';

const checks = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_headers_conformance',
  'response_schema_conformance',
  'negative_data_rejection',
  'unsupported_method',
  'allow_header_conformance',
  'ignored_auth',
];

const tool = findTool();

/** The place where `.ci/run` installs it, or anywhere on the PATH. */
function findTool(): string | null {
  const folders = [
    join(homedir(), '.cache/ferry-ci/schemathesis/bin'),
    ...(process.env['PATH'] ?? '').split(delimiter),
  ];
  for (const folder of folders) {
    const path = join(folder, 'schemathesis');
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      continue;
    }
  }
  return null;
}

describe(
  'the API fuzzed from its document',
  { skip: tool === null ? 'schemathesis is not installed (pip install schemathesis)' : false },
  () => {
    let rig: ApiRig;
    before(async () => {
      rig = await startApiRig('fuzz');
    });
    after(() => rig.close());

    it(
      'never fails, answers nothing undocumented, accepts no garbage, and asks for a token wherever it says so',
      { timeout: 180_000 },
      async () => {
        const token = await rig.token('acme-north', 'customer');
        const cwd = await tempDir();
        try {
          const run = await startProgram({
            program: 'schemathesis',
            command: tool ?? '',
            args: args(rig, token),
            cwd: cwd.path,
          });
          const { code } = await run.ended;
          assert.equal(code, 0, run.output().slice(-12_000));
          assert.match(run.output(), /test cases/i);
        } finally {
          await cwd.remove();
        }
      },
    );
  },
);

function args(rig: ApiRig, token: string): string[] {
  return [
    'run',
    join(import.meta.dirname, '..', '..', 'docs', 'openapi.json'),
    ...['--url', rig.url, '--header', `Authorization: Bearer ${token}`],
    ...['--phases', 'examples,coverage,fuzzing', '--max-examples', '8', '--seed', '20261122'],
    // One at a time, because its generator changes Python's recursion limit for all threads.
    ...['--workers', '1'],
    ...['--checks', checks.join(','), '--continue-on-failure', '--no-color', '--suppress-health-check', 'all'],
    // It would close the link under the others.
    ...['--exclude-path', '/v1/link/close'],
  ];
}

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { makeLog, redactText } from '#config/log.ts';
import type { Log } from '#config/log.ts';

function capture(write: (log: Log) => void): string {
  const lines: string[] = [];
  const log = makeLog({
    level: 'info',
    name: 'test',
    to: { write: (line) => void lines.push(line) },
  });
  write(log);
  return lines.join('');
}

test('an entry is one line of JSON, whatever its texts contain', () => {
  const out = capture((log) => log.info({ link: 'l1\n\u001b[31m' }, 'two\nlines'));
  assert.equal(out.trimEnd().split('\n').length, 1);
  const entry = JSON.parse(out) as Record<string, unknown>;
  assert.equal(entry['msg'], 'two\nlines');
  assert.equal(entry['level'], 'info');
  assert.match(String(entry['time']), /^\d{4}-.*Z$/);
});

test('no key appears twice in a line, whatever an entry or a child adds', () => {
  const said = { level: 'WARN', time: 1, pid: 2, name: 'core', msg: 'theirs', target: 'temporal' };
  const out = capture((log) => {
    log.warn(said, 'ours');
    log.child(said).warn('ours');
  });
  for (const line of out.trimEnd().split('\n')) {
    for (const key of ['level', 'time', 'pid', 'name', 'msg']) {
      const { other, ...top } = JSON.parse(line) as Record<string, unknown>;
      assert.ok(key in top);
      assert.deepEqual(other, { level: 'WARN', time: 1, pid: 2, name: 'core', msg: 'theirs' });
      assert.equal(line.split(`"${key}":`).length - 1, 2, line);
    }
    assert.match(line, /"level":"warn".*"target":"temporal".*"msg":"ours"/);
  }
});

test('planted secrets and note texts never appear', () => {
  const planted = 'PLANTED-7f3a';
  const jwt = `eyJhbGciOiJFZERTQSJ9.eyJzdWIi${planted}.c2ln`;
  const queryError = Object.assign(new Error(`Failed query: insert into actions values ($1)\nparams: ${planted},2`), {
    parameters: [planted],
    cause: Object.assign(new Error('x'), { detail: planted }),
  });
  const out = capture((log) => {
    log.info({ headers: { Authorization: `Bearer ${planted}`, 'X-Api-Key': planted } }, 'a');
    log.info({ client_secret: planted, deep: [{ clientSecret: planted, token: planted }] }, 'b');
    log.info({ action: { note: { html: planted, audience: 'team' }, id: 'a1' } }, 'c');
    log.info(`Authorization: Bearer ${planted}`);
    log.info({ where: `postgres://ferry:${planted}@127.0.0.1/ferry` }, `smtp://u:${planted}@h`);
    log.info({ where: `https://h/?access_token=${planted}&x=1` }, jwt);
    log.child({ password: planted, link: 'l1' }).info('d');
    log.error(queryError);
    log.error({ err: queryError, database_url: planted }, 'e');
    log.info({ bytes: Buffer.from(planted) }, 'f %s', 'g');
  });
  assert.doesNotMatch(out, /PLANTED/);
  assert.doesNotMatch(out, new RegExp(Buffer.from(planted).toString('base64')));
  assert.match(out, /"id":"a1"/);
  assert.match(out, /"link":"l1"/);
  assert.match(out, /Failed query: insert into actions/);
});

test('an error keeps its code and where it happened', () => {
  const out = capture((log) => log.error({ err: Object.assign(new Error('no'), { code: 'E1' }) }, 'x'));
  const { err } = JSON.parse(out) as { err: Record<string, unknown> };
  assert.equal(err['code'], 'E1');
  assert.match(String(err['stack']), /log\.test\.ts/);
});

test('what is hidden in a text leaves the rest readable', () => {
  assert.equal(
    redactText('POST https://u:p@h/x?token=abc&y=2 failed'),
    'POST https://[hidden]@h/x?token=[hidden]&y=2 failed',
  );
});

test('an entry that refers to itself is cut, not fatal', () => {
  const ring: Record<string, unknown> = { a: 1 };
  ring['self'] = ring;
  assert.match(
    capture((log) => log.info(ring, 'x')),
    /\[deep\]/,
  );
});

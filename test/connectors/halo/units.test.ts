import assert from 'node:assert/strict';
import { test } from 'node:test';
import { byName, same } from '#connectors/halo/catalogue.ts';
import { errorOf, requestLimitOf, tokenError, wordsOf } from '#connectors/halo/errors.ts';
import { valueFrom, valueTo } from '#connectors/halo/fields.ts';
import { hintOf } from '#connectors/halo/hint.ts';
import { withCids, withUrls } from '#connectors/halo/html.ts';
import { guidOf, markerOf } from '#connectors/halo/marker.ts';
import { stepsOf } from '#connectors/halo/steps.ts';
import { instantOf } from '#connectors/halo/time.ts';
import type { HelpdeskErrorClass } from '#connectors/contract/errors.ts';
import { commandFor, fileOf, newDelivery } from '#test/connectors/bench.ts';
import { cpuMs } from '#test/support/cpu.ts';

const reply = (status: number, body: unknown, headers: Record<string, string> = {}) => ({
  status,
  headers,
  text: typeof body === 'string' ? body : JSON.stringify(body),
});

test("Halo's words are found in every shape of error body, and a web page has none", () => {
  for (const body of [
    { resultCode: 1, errorMessage: 'No such status' },
    { ClassName: 'System.Exception', Message: 'No such status', Data: null },
    { message: 'No such status' },
    { error: 'No such status' },
    { error: 'bad_request', error_description: 'No such status' },
    'No such status',
    '"No such\\n status"',
  ]) {
    assert.equal(wordsOf(reply(400, body).text), 'No such status');
  }
  assert.equal(
    wordsOf('{"[0].id": ["The value is not valid.", "It is no number."]}'),
    '[0].id: The value is not valid. It is no number.',
  );
  assert.equal(wordsOf('{"title": "One or more errors", "errors": {"[0].x": ["No"]}}'), '[0].x: No');
  assert.equal(wordsOf('<!doctype html><title>Sign in</title>'), '');
  assert.equal(wordsOf('<b>Bad</b> value'), 'Bad value');
  assert.ok(wordsOf('x'.repeat(5000)).length < 400);
});

test('every refusal has the class that says what to do about it', () => {
  const cases: [number, unknown, boolean, HelpdeskErrorClass, string][] = [
    [
      400,
      { ClassName: 'E', Message: 'You do not have access to this action at the moment' },
      true,
      'refused',
      'not-allowed-by-workflow',
    ],
    [400, 'An action must be associated with a ticket_id', true, 'refused', 'supplier-reference-set'],
    [400, { Message: 'This functionality is not supported' }, true, 'auth', 'not-supported'],
    [400, { message: 'Invalid value for field X' }, true, 'refused', 'refused'],
    [401, { error: 'unauthorized' }, true, 'auth', 'not-signed-in'],
    [403, { error: 'insufficient_scope' }, false, 'auth', 'insufficient-scope'],
    [403, { error: 'no' }, false, 'retry', 'forbidden'],
    [403, '', false, 'retry', 'forbidden'],
    [403, '', true, 'retry', 'forbidden'],
    [404, { message: 'Ticket 1 was not found' }, false, 'gone', 'not-found'],
    [404, { message: 'Ticket 1 was not found' }, true, 'refused', 'not-found'],
    [404, { message: "No HTTP resource was found that matches the request URI '/x'" }, false, 'retry', 'not-halo'],
    [404, '', false, 'retry', 'not-halo'],
    [404, '', true, 'retry', 'not-halo'],
    [404, '<html><body>nginx</body></html>', false, 'retry', 'not-halo'],
    [409, {}, true, 'conflict', 'conflict'],
    [413, 'Request Entity Too Large', true, 'refused', 'refused'],
    [429, 'Rate Limit Reached', true, 'slow-down', 'rate-limit'],
    [500, { Message: "Violation of PRIMARY KEY constraint 'PK_FAULTS'." }, true, 'retry', 'created-at-once'],
    [500, { Message: 'Object reference' }, true, 'in-doubt', 'server-error'],
    [500, { Message: 'Object reference' }, false, 'retry', 'server-error'],
    [502, '', true, 'in-doubt', 'server-error'],
    [503, '', true, 'retry', 'server-error'],
  ];
  for (const [status, body, write, errorClass, code] of cases) {
    const error = errorOf(reply(status, body), { what: 'Testing', write, aboutTicket: true });
    assert.deepEqual([error.class, error.code], [errorClass, code], `${status} ${JSON.stringify(body)}`);
  }
  assert.equal(errorOf(reply(404, {}), { what: 'Reading the catalogue', write: false }).class, 'refused');
  assert.equal(errorOf(reply(403, ''), { what: 'Reading which tickets changed', write: false }).class, 'auth');
  const unknownScope = { error: 'invalid_scope', error_description: 'The scope is not valid' };
  assert.equal(tokenError(reply(400, unknownScope)).code, 'unknown-scope');
  assert.equal(tokenError(reply(400, { error: 'invalid_client' })).class, 'auth');
  assert.equal(tokenError(reply(503, '')).class, 'retry');
});

test('a 429 that names no time asks for a minute, and one that names years for an hour', () => {
  const headers = { 'retry-after': '99999999' };
  assert.equal(errorOf(reply(429, ''), { what: 'x', write: false }).retryAfterMs, 60_000);
  assert.equal(errorOf({ ...reply(429, ''), headers }, { what: 'x', write: false }).retryAfterMs, 3_600_000);
});

test('the limit that a 429 names is taken for five minutes, and what names none or nonsense for nothing', () => {
  const words = (requests: number): string => `Rate Limit Reached - ${requests} Requests per rolling 5 minute window`;
  assert.equal(requestLimitOf(reply(429, words(700))), 700);
  assert.equal(requestLimitOf(reply(429, { message: 'At most 60 requests per 1 minute' })), 300);
  assert.equal(requestLimitOf(reply(429, '', { 'x-ratelimit-limit': '450' })), 450);
  for (const none of ['', 'Too many', words(0), words(3), 'x'.repeat(2_000) + words(700), '9 requests per 0 minutes'])
    assert.equal(requestLimitOf(reply(429, none)), null, none.slice(0, 40));
  assert.equal(requestLimitOf(reply(429, '', { 'x-ratelimit-limit': 'many' })), null);
  assert.equal(requestLimitOf(reply(400, words(700))), null);
});

test('a webhook only names tickets, whatever its shape', () => {
  assert.deepEqual(
    hintOf({ event: 'New Action', webhook_id: 'x', ticket: { id: 12 }, actions: [{ id: 3, ticket_id: 12 }] }),
    ['12'],
  );
  const seen = {
    id: '5f0c1e2a-7d43-4b8e-9a61-000000000001',
    webhook_id: '5f0c1e2a-7d43-4b8e-9a61-000000000002',
    notification_id: 44,
    escmsg_id: 45,
    event: 'ticket status changed',
    object_id: 12,
    agent_id: 3,
    timestamp: '2026-11-28T01:00:00Z',
    ticket: { id: 12, client_id: 9, user_id: 8 },
  };
  assert.deepEqual(hintOf(seen), ['12']);
  assert.deepEqual(hintOf({ event: 'ticket status changed' }), []);
  assert.deepEqual(hintOf([{ ticket: { id: 1 } }, { ticket_id: '2' }, { tickets: [{ id: 3 }] }]), ['1', '2', '3']);
  assert.deepEqual(hintOf({ id: 7, summary: 'x', status_id: 1 }), ['7']);
  for (const nothing of [
    null,
    'x',
    1,
    [],
    {},
    { ticket: { id: '1; drop' } },
    { ticket_id: -1 },
    { ticket_id: { id: 0 } },
  ]) {
    assert.deepEqual(hintOf(nothing), []);
  }
  let deep: unknown = { ticket_id: 1 };
  for (let i = 0; i < 50_000; i++) deep = { a: deep };
  assert.deepEqual(hintOf(deep), []);
  assert.ok(hintOf(Array.from({ length: 5000 }, (_, i) => ({ ticket_id: i + 1 }))).length <= 100);
});

test("a marker of Ferry's can be read back from the UUID that Halo keeps; other markers stay themselves here", () => {
  for (const step of [0, 1, 9, 15, 16, 63]) {
    const marker = `${newDelivery()}-${step}`;
    const guid = guidOf(marker);
    assert.match(guid, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    assert.notEqual(guid, marker);
    assert.notEqual(markerOf(guidOf(`${newDelivery()}-${step}`)), marker);
    assert.equal(markerOf(guid), marker);
  }
  for (const marker of ['a word', '0190a0b0-0000-4000-8000-000000000000', `${newDelivery()}-64`, 'ü'.repeat(64)]) {
    assert.equal(guidOf(marker), guidOf(marker));
    assert.equal(markerOf(guidOf(marker)), marker);
  }
});

test("a desk's own picture addresses become cid and back; addresses of others are left alone", () => {
  const base = 'https://acme.halopsa.com';
  const { html, ids } = withCids(
    `<p><IMG alt="a" src="${base}/api/attachment/12"><img src='/api/Attachment/image?token=secret&amp;id=13'>` +
      `<img src="https://elsewhere.example/api/attachment/14"><img src="data:image/png;base64,xx"></p>`,
    base,
  );
  assert.deepEqual([...ids.keys()], ['12', '13']);
  assert.ok(html.includes('src="cid:12"') && html.includes('src="cid:13"') && !html.includes('token'));
  assert.ok(html.includes('src="https://elsewhere.example/api/attachment/14"'));
  const urls = new Map([['a', `${base}/api/attachment/5?x=1&y="2"`]]);
  assert.equal(
    withUrls('<img src="cid:a"><img alt="x" src=\'cid:b\'>', urls),
    `<img src="${base}/api/attachment/5?x=1&amp;y=&quot;2&quot;"><img alt="x" src="">`,
  );
  const began = cpuMs();
  withCids('<img '.repeat(100_000), base);
  assert.ok(cpuMs() - began < 1000);
});

test('times without a zone are UTC, and an invalid time is none', () => {
  assert.equal(instantOf('2026-11-21T09:30:00.5'), '2026-11-21T09:30:00.500Z');
  assert.equal(instantOf('2026-11-21T09:30:00+02:00'), '2026-11-21T07:30:00.000Z');
  assert.equal(instantOf('2026-11-21'), '2026-11-21T00:00:00.000Z');
  for (const none of [null, undefined, '', 'soon', '1900-01-01T00:00:00', '0001-01-01T00:00:00'])
    assert.equal(instantOf(none), null);
});

test('values keep their types both ways: options by name, dates as dates, instants in UTC', () => {
  const field = (type: number, inputtype = 0, values = [{ id: 4, name: 'A team' }]) => ({
    id: 1,
    name: 'CFx',
    type,
    inputtype,
    values,
  });
  assert.equal(valueTo(field(2), 'a TEAM'), 4);
  assert.equal(valueTo(field(2), ' A  team'), 4);
  assert.equal(valueFrom(field(2), 4), 'A team');
  assert.deepEqual(valueTo(field(3), ['A team']), [4]);
  assert.deepEqual(valueFrom(field(3), [4]), ['A team']);
  assert.equal(valueFrom(field(4), '2026-12-31T00:00:00'), '2026-12-31');
  assert.equal(valueTo(field(4), '2026-12-31'), '2026-12-31');
  assert.equal(valueTo(field(4, 1), '2026-12-31T23:30:00+01:00'), '2026-12-31T22:30:00.000');
  assert.equal(valueFrom(field(4, 1), '2026-12-31T22:30:00'), '2026-12-31T22:30:00.000Z');
  assert.equal(valueTo(field(6), 'no'), false);
  assert.equal(valueTo(field(0, 4), '12.5'), 12.5);
  for (const type of [0, 2, 3, 4, 6]) for (const empty of [null, '']) assert.equal(valueTo(field(type), empty), null);
  assert.throws(() => valueTo(field(2), 'Nobody'), { class: 'refused', code: 'unfit-value' });
  assert.throws(() => valueTo(field(4), 'tomorrow'), { class: 'refused' });
  assert.throws(() => valueTo(field(0, 4), 'many'), { class: 'refused' });
});

test('names are equal here by the rule that they are equal by everywhere', () => {
  const status = { name: 'Erled\u00edgt  heute' };
  assert.equal(byName([status], 'erledi\u0301gt heute'), status);
  assert.ok(same('In  Progress', ' in\u00a0progress'));
  assert.ok(!same('In Progress', 'Inprogress'));
});

test('a command becomes as few requests as Halo allows, files of hidden notes after their note', () => {
  const file = fileOf('a.bin', 'application/octet-stream', Buffer.from('a'));
  const picture = fileOf('b.png', 'image/png', Buffer.from('b'), true);
  const names = (part: Parameters<typeof commandFor>[1]) =>
    stepsOf(commandFor('1', part), 10_000).map(({ name }) => name);
  assert.deepEqual(names({ note: '<p>x</p>', status: 'New', fields: { a: 'b' }, category: 'c', priority: 'd' }), [
    'all',
  ]);
  assert.deepEqual(names({ kind: 'Resolve' }), ['all']);
  assert.deepEqual(names({ status: 'New' }), ['status']);
  assert.deepEqual(names({ fields: { a: 'b' } }), ['fields']);
  assert.deepEqual(names({ note: 'x', summary: 's' }), ['all', 'fields']);
  assert.deepEqual(names({ note: 'x', category: null }), ['all', 'fields']);
  assert.deepEqual(names({ supplierReference: null }), ['reference']);
  assert.deepEqual(names({ note: 'x', visibility: 'visible', attachments: [file, picture] }), [
    'attachment',
    'attachment',
    'all',
  ]);
  assert.deepEqual(names({ note: 'x', visibility: 'hidden', attachments: [file, picture] }), [
    'attachment',
    'all',
    'attachment',
  ]);
  assert.deepEqual(
    names({
      note: 'x',
      visibility: 'visible',
      attachments: [file, { ...file, name: 'b.bin' }, { ...file, id: 'again' }],
    }),
    ['attachment', 'attachment', 'all'],
  );
  assert.deepEqual(names({ note: 'x'.repeat(20_000), visibility: 'visible' }), ['attachment', 'all']);
  assert.equal(names({}).length, 1);
  for (const step of stepsOf(commandFor('1', { note: 'x', attachments: [file] }), 10_000)) {
    assert.deepEqual(JSON.parse(JSON.stringify(step)), JSON.parse(JSON.stringify({ ...step })));
  }
});

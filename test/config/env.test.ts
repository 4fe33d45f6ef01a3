import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ConfigError, configFrom, loadConfig, readEnv } from '#config/env.ts';
import { makeAuthority } from '#test/support/certificates.ts';

const key = Buffer.alloc(32, 7).toString('base64');
const good = { DATABASE_URL: 'postgres://u:p@127.0.0.1/ferry', FERRY_SECRET_KEY: key };
const noFile = (): string => assert.fail('no file is named');

test('a minimal environment gives a whole configuration with its defaults', () => {
  const { raw, faults } = readEnv({ ...good, PATH: '/bin' }, noFile);
  assert.deepEqual(faults, []);
  const { config } = configFrom(raw);
  assert.ok(config);
  assert.equal(config.databaseUrl, good.DATABASE_URL);
  assert.deepEqual(config.temporal, { address: '127.0.0.1:7233', namespace: 'default' });
  assert.equal(config.secretKeys[0]?.length, 32);
  assert.equal(config.port, 8400);
  assert.equal(config.log, 'info');
  assert.deepEqual(config.allowAddresses, []);
  assert.deepEqual([config.metrics, config.otlp], [null, false]);
});

test('every fault is named at once, each with what to do, and no value is repeated', () => {
  const env = {
    DATABASE_URL: 'mysql://u:hunter2hunter2@h/x',
    FERRY_SECRET_KEY: 'c2hvcnQtc2VjcmV0',
    FERRY_PORT: '99999',
    FERRY_LOG: 'loud',
    FERRY_ALLOW_ADDRESSES: '10.0.0.1',
    FERRY_PROT: '1',
  };
  assert.throws(
    () => loadConfig(env),
    (error: unknown) => {
      assert.ok(error instanceof ConfigError);
      assert.equal(error.exitCode, 78);
      assert.deepEqual(error.faults.map(({ variable }) => variable).toSorted(), [
        'DATABASE_URL',
        'FERRY_ALLOW_ADDRESSES',
        'FERRY_LOG',
        'FERRY_PORT',
        'FERRY_PROT',
        'FERRY_SECRET_KEY',
      ]);
      for (const fault of error.faults) assert.ok(fault.fix.length > 0);
      assert.match(error.message, /FERRY_PROT is not a variable.*did you mean FERRY_PORT\?/);
      assert.doesNotMatch(error.message, /hunter2|c2hvcnQ/);
      assert.equal(error.message.includes('\n'), false);
      return true;
    },
  );
});

test('what is missing is named', () => {
  const { faults } = configFrom({});
  assert.deepEqual(
    faults.map(({ variable, problem }) => `${variable} ${problem}`),
    ['DATABASE_URL is not set', 'FERRY_SECRET_KEY is not set'],
  );
});

test('a secret may come from a file, and white space at its ends does not count', () => {
  const [start, end] = ['\uFEFF \t', ' \n\r\n\n\t'];
  for (const [before, behind] of [
    ['', '\n'],
    ['', '\r\n'],
    ['', '\n\n'],
    ['\n', ''],
    [start, end],
  ] as const) {
    const { raw, faults } = readEnv({ DATABASE_URL_FILE: ' /run/db\n', FERRY_SECRET_KEY_FILE: '/run/key' }, (path) =>
      before.concat(path === '/run/db' ? good.DATABASE_URL : key, behind),
    );
    assert.deepEqual(faults, []);
    assert.deepEqual(raw, good);
  }
});

test('white space at the ends of any variable does not count, and only white space is not set', () => {
  const padded = { DATABASE_URL: ` ${good.DATABASE_URL}\n`, FERRY_SECRET_KEY: `${key}\n\n` };
  const { raw, faults } = readEnv({ ...padded, FERRY_LOG: 'debug ', FERRY_PORT: '\t8401', FERRY_HOST: '  ' }, noFile);
  assert.deepEqual(faults, []);
  assert.deepEqual(raw, { ...good, FERRY_LOG: 'debug', FERRY_PORT: '8401' });
});

test('a file of a secret that holds only white space is a fault', () => {
  const { faults } = readEnv({ ...good, TEMPORAL_API_KEY_FILE: '/run/token' }, () => ' \n\n');
  assert.deepEqual(
    faults.map(({ variable, problem }) => `${variable} ${problem}`),
    ['TEMPORAL_API_KEY_FILE names /run/token, which is empty'],
  );
});

/** As Kubernetes sets them for a Service; see config/service-links.ts. */
function serviceLinks(prefix: string, port: number, protocol = 'tcp', named = 'HTTP'): Record<string, string> {
  const at = `${prefix}_PORT_${port}_${protocol.toUpperCase()}`;
  return {
    [`${prefix}_SERVICE_HOST`]: '10.0.0.1',
    [`${prefix}_SERVICE_PORT`]: String(port),
    [`${prefix}_SERVICE_PORT_${named}`]: String(port),
    [`${prefix}_PORT`]: `${protocol}://10.0.0.1:${port}`,
    [at]: `${protocol}://10.0.0.1:${port}`,
    [`${at}_PROTO`]: protocol,
    [`${at}_PORT`]: String(port),
    [`${at}_ADDR`]: '10.0.0.1',
  };
}

test('what Kubernetes sets for its Services is neither a setting nor a typing mistake', () => {
  const services = [
    serviceLinks('FERRY', 8400),
    serviceLinks('FERRY_GATEWAY', 80),
    serviceLinks('FERRY_PORT', 8400),
    serviceLinks('FERRY_METRICS', 9464, 'tcp', 'PROM_HTTP'),
    serviceLinks('FERRY_LOG', 5140, 'udp'),
    { FERRY_PORT: 'tcp://[fd00::1]:8400', FERRY_SERVICE_HOST: 'fd00::1' },
  ];
  for (const links of services) {
    const { raw, faults } = readEnv({ ...good, ...links }, noFile);
    assert.deepEqual([raw, faults], [good, []]);
    assert.equal(configFrom(raw).config?.port, 8400);
  }
});

test('beside a Service of that name, typing mistakes and wrong values are still found', () => {
  const env = {
    ...good,
    ...serviceLinks('FERRY', 8400),
    FERRY_PORT: '8500',
    FERRY_PORTT: '1',
    FERRY_SERVICE_PORT: 'x',
  };
  const { raw, faults } = readEnv(env, noFile);
  assert.equal(raw.FERRY_PORT, '8500');
  assert.deepEqual(
    faults.map(({ variable }) => variable),
    ['FERRY_PORTT', 'FERRY_SERVICE_PORT'],
  );
});

test('a file that cannot be read is one fault, not two', () => {
  assert.throws(
    () => loadConfig({ ...good, FERRY_SECRET_KEY: '', FERRY_SECRET_KEY_FILE: '/nonexistent/key' }),
    (error: unknown) => {
      assert.ok(error instanceof ConfigError);
      assert.equal(error.faults.length, 1);
      assert.match(error.message, /FERRY_SECRET_KEY_FILE names \/nonexistent\/key.*ENOENT/);
      return true;
    },
  );
});

test('a secret given twice is a fault, and so is a file for a value that is not secret', () => {
  const { faults } = readEnv({ ...good, FERRY_SECRET_KEY_FILE: '/run/key', FERRY_PORT_FILE: '/run/port' }, () => key);
  assert.deepEqual(
    faults.map(({ variable }) => variable),
    ['FERRY_SECRET_KEY', 'FERRY_PORT_FILE'],
  );
});

test("the tests' own variables are nobody's fault", () => {
  assert.deepEqual(readEnv({ ...good, FERRY_TEST_PG: 'x' }, noFile).faults, []);
});

test('older keys follow the current one', () => {
  const older = Buffer.alloc(32, 8).toString('base64');
  const config = loadConfig({ ...good, FERRY_SECRET_KEY: `${key}, ${older}` });
  assert.deepEqual(
    config.secretKeys.map((bytes) => bytes[0]),
    [7, 8],
  );
});

test('trusted proxies are addresses and ranges, and limits are known names with numbers; anything else is a fault', () => {
  const checked = (more: Record<string, string>) => configFrom(readEnv({ ...good, ...more }, noFile).raw);
  const config = checked({
    FERRY_TRUSTED_PROXIES: '127.0.0.1, 10.0.0.0/8,::1, fd00::/8',
    FERRY_PROXY_HEADER: 'forwarded',
    FERRY_LIMITS: 'requests=60, freeMiB=10',
  }).config;
  assert.deepEqual(config?.proxies, { ranges: ['127.0.0.1', '10.0.0.0/8', '::1', 'fd00::/8'], header: 'forwarded' });
  assert.deepEqual(config?.limits, { requests: 60, freeMiB: 10 });
  assert.deepEqual(checked({}).config?.proxies, { ranges: [], header: 'x-forwarded-for' });
  assert.deepEqual(checked({}).config?.limits, {});
  for (const [variable, values] of [
    [
      'FERRY_TRUSTED_PROXIES',
      ['proxy.example', '10.0.0.0/33', '10.0.0.0/8/8', '10.0.0', '*', 'fd00::/129', '10.0.0.1/'],
    ],
    ['FERRY_PROXY_HEADER', ['x-real-ip', 'X-Forwarded-For, Forwarded']],
    [
      'FERRY_LIMITS',
      ['requests', 'requests=', 'requests=0', 'requests=-1', 'requests=1e9', 'request=1', '=1', '__proto__=1'],
    ],
  ] as const)
    for (const value of values) {
      const { faults } = checked({ [variable]: value });
      assert.deepEqual(
        faults.map((fault) => fault.variable),
        [variable],
        value,
      );
      assert.doesNotMatch(JSON.stringify(faults.map(({ problem }) => problem)), /proxy\.example/);
    }
});

test('Temporal gets plain text only if no TLS setting is present, and an API key never', () => {
  const of = (more: Record<string, string>) => configFrom({ ...good, ...more });
  assert.deepEqual(of({ TEMPORAL_TLS: 'true' }).config?.temporal.tls, {});
  assert.deepEqual(of({ TEMPORAL_API_KEY: 'key' }).config?.temporal.tls, {});
  assert.equal(of({ TEMPORAL_TLS: 'false' }).config?.temporal.tls, undefined);
  assert.deepEqual(
    of({ TEMPORAL_TLS: 'false', TEMPORAL_API_KEY: 'key' }).faults.map(({ variable }) => variable),
    ['TEMPORAL_TLS'],
  );
  assert.deepEqual(
    of({ TEMPORAL_API_KEY: 'a key\nfrom two lines' }).faults.map(({ variable }) => variable),
    ['TEMPORAL_API_KEY'],
  );
});

test('certificates that are none, keys of another pair, and a pair of which one half is missing are named', async () => {
  const authority = await makeAuthority();
  try {
    const [one, two] = await Promise.all([authority.sign('one'), authority.sign('two')]);
    for (const prefix of ['DATABASE_TLS', 'TEMPORAL_TLS']) {
      const faults = (given: Record<string, string>): string[] =>
        configFrom({
          ...good,
          ...Object.fromEntries(Object.entries(given).map(([name, text]) => [`${prefix}_${name}`, text])),
        }).faults.map(({ variable, problem }) => `${variable} ${problem}`);
      assert.deepEqual(faults({ CA: authority.ca, CERT: one.cert, KEY: one.key }), []);
      assert.deepEqual(faults({ CA: one.key }), [`${prefix}_CA contains no certificate`]);
      assert.deepEqual(faults({ CERT: one.cert }), [`${prefix}_KEY is not set`]);
      assert.deepEqual(faults({ KEY: one.key }), [`${prefix}_CERT is not set`]);
      assert.deepEqual(faults({ CERT: one.cert, KEY: two.key }), [`${prefix}_KEY does not belong to ${prefix}_CERT`]);
      assert.deepEqual(faults({ CERT: one.cert, KEY: 'x' }), [
        `${prefix}_KEY contains no private key without a passphrase`,
      ]);
    }
    assert.deepEqual(
      configFrom({
        ...good,
        DATABASE_URL: `${good.DATABASE_URL}?sslmode=disable`,
        DATABASE_TLS_CA: authority.ca,
      }).faults.map(({ variable }) => variable),
      ['DATABASE_URL'],
    );
  } finally {
    await authority.remove();
  }
});

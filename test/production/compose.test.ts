/** What can be known of docker-compose.yml and the Dockerfile without a Docker engine. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { parse } from 'yaml';
import { configFrom, readEnv } from '#config/env.ts';
import { checkout } from '#test/support/process.ts';

type Service = {
  readonly image: string;
  readonly build?: string;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly restart?: string;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
  readonly configs?: readonly { readonly source: string; readonly target: string }[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: { readonly test?: readonly string[]; readonly disable?: boolean };
  readonly deploy?: { readonly replicas?: number };
};

type Compose = {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
  readonly configs: Readonly<Record<string, { readonly content: string }>>;
};

const text = read('docker-compose.yml');
const compose = parse(text, { merge: true }) as Compose;
const services = Object.entries(compose.services);
const ours = services.filter(([, { build }]) => build !== undefined);
/** They end when they are done; everything else runs until it is stopped. */
const once = services.filter(([, { restart }]) => restart === 'on-failure');
const dockerfile = read('Dockerfile');

function read(file: string): string {
  return readFileSync(join(checkout, file), 'utf8');
}

/** As Compose fills in `${NAME}`, `${NAME:-default}` and `${NAME:?message}`; `$$` stands for a dollar. */
function filledIn(value: string, env: Readonly<Record<string, string>>): string {
  return value
    .replaceAll(/\$\{(\w+)(?::([-?])([^}]*))?\}/g, (_all, name: string, kind?: string, rest?: string) => {
      const found = env[name];
      if (found) return found;
      if (kind === '?') throw new Error(`${name} is not set: ${rest}`);
      return rest ?? '';
    })
    .replaceAll('$$', '$');
}

describe('docker-compose.yml', () => {
  it('has the whole production shape: database, Temporal with its schema and pages, gateway, two workers', () => {
    const names = ['postgres', 'temporal-schema', 'temporal', 'temporal-namespace', 'temporal-ui'];
    for (const name of [...names, 'migrate', 'gateway', 'worker']) assert.ok(compose.services[name], name);
    assert.equal(compose.services['worker']?.deploy?.replicas, 2);
  });

  it('pins every image to a version', () => {
    for (const [name, { image }] of services)
      assert.match(image, /^[a-z/-]+:\d+\.\d+(\.\d+)?(-[a-z]+)?(@sha256:[0-9a-f]{64})?$/, name);
    for (const [name, { image }] of ours)
      assert.equal(image, `ticket-ferry:${(JSON.parse(read('package.json')) as { version: string }).version}`, name);
  });

  it("runs the Temporal that is tested: the same version everywhere, and that of CI's go install", () => {
    const images = services.map(
      ([, { image }]) => /^temporalio\/(?:server|admin-tools):([^@]+)(?:@|$)/.exec(image)?.[1],
    );
    const versions = new Set(images.filter((version) => version !== undefined));
    const installed = [...read('.ci/run').matchAll(/go\.temporal\.io\/server\/\S+@v(\S+)/g)].map(
      ([, version]) => version,
    );
    assert.equal(installed.length, 2);
    assert.deepEqual(new Set(installed), versions);
  });

  it('publishes ports on the loopback address only', () => {
    for (const [name, { ports = [] }] of services)
      for (const port of ports) assert.match(port, /^127\.0\.0\.1:\d+:\d+$/, name);
  });

  it('watches everything that goes on running, and starts it again', () => {
    for (const [name, service] of services.filter((one) => !once.includes(one))) {
      assert.ok((service.healthcheck?.test?.length ?? 0) > 1, `${name} has no health check`);
      assert.equal(service.restart, 'unless-stopped', name);
    }
  });

  it('waits for what has to be done once, and for what others need to be healthy', () => {
    for (const [name, { depends_on = {} }] of services)
      for (const [other, { condition }] of Object.entries(depends_on)) {
        assert.ok(compose.services[other], `${name} waits for ${other}, which is not there`);
        const isOnce = once.some(([one]) => one === other);
        assert.equal(condition, isOnce ? 'service_completed_successfully' : 'service_healthy', `${name} → ${other}`);
      }
    for (const name of ['gateway', 'worker']) assert.ok(compose.services[name]?.depends_on?.['migrate'], name);
  });

  it('declares the volumes and configs that services use, and keeps all data in volumes', () => {
    for (const [name, service] of services) {
      for (const volume of service.volumes ?? [])
        assert.ok(Object.hasOwn(compose.volumes, volume.split(':')[0] ?? ''), `${name}: ${volume} is no named volume`);
      for (const { source } of service.configs ?? []) assert.ok(compose.configs[source], `${name}: ${source}`);
    }
    assert.deepEqual(compose.services['postgres']?.volumes, ['postgres:/var/lib/postgresql']);
  });

  const secrets = {
    PG_ADMIN_PASSWORD: 'a',
    PG_FERRY_PASSWORD: 'b',
    PG_TEMPORAL_PASSWORD: 'c',
    FERRY_SECRET_KEY: Buffer.alloc(32).toString('base64'),
  };

  it('gives every program of ours an environment that it accepts as it is, with only the secrets filled in', () => {
    assert.ok(ours.length >= 3);
    for (const [name, { environment = {} }] of ours) {
      const env = Object.fromEntries(
        Object.entries(environment).map(([key, value]) => [key, filledIn(value, secrets)]),
      );
      const { raw, faults } = readEnv(env, () => assert.fail('no file is named'));
      assert.deepEqual([...faults, ...configFrom(raw).faults], [], name);
      assert.deepEqual(env['FERRY_HOST'], '0.0.0.0');
    }
  });

  it('has no secret in it, and refuses to start while one is missing', () => {
    for (const name of Object.keys(secrets)) {
      const others = Object.fromEntries(Object.entries(secrets).filter(([other]) => other !== name));
      assert.throws(() => filledIn(text, others), new RegExp(name));
    }
  });

  it('runs programs of ours that exist', () => {
    for (const [name, { command = [], healthcheck }] of ours) {
      for (const word of [...command, ...(healthcheck?.test ?? [])].filter((one) => /\.(?:js|ts)$/.test(one)))
        assert.ok(existsSync(join(checkout, word)), `${name}: ${word}`);
    }
  });
});

describe('the Dockerfile', () => {
  const copied = [...dockerfile.matchAll(/^COPY ([\w-]+) \.\/[\w-]+$/gm)].map(([, folder = '']) => folder);

  it('stands on a pinned Debian Node that can run Ferry, and runs it as an ordinary user', () => {
    const [, major = '0', minor = '0'] =
      /^FROM node:(\d+)\.(\d+)\.\d+-\w+-slim(?:@sha256:[0-9a-f]{64})?$/m.exec(dockerfile) ?? [];
    assert.ok(Number(major) === 24 && Number(minor) >= 12, 'bin/ferry.js needs Node 24.12');
    assert.match(dockerfile, /^USER node$/m);
    assert.match(dockerfile, /^HEALTHCHECK /m);
  });

  it('copies every folder that what it copies imports', () => {
    const sources = copied.flatMap((folder) =>
      readdirSync(join(checkout, folder), { recursive: true, encoding: 'utf8' })
        .filter((file) => /\.(?:js|ts)$/.test(file))
        .map((file) => ({ file: join(folder, file), source: read(join(folder, file)) })),
    );
    assert.ok(sources.length > 100);
    const missing = sources.flatMap(({ file, source }) =>
      [...source.matchAll(/^(?:import|export)\b[^'";]*?['"]#([\w-]+)\//gm)]
        .map(([, folder = '']) => folder)
        .filter((folder) => !copied.includes(folder))
        .map((folder) => `${file} imports #${folder}`),
    );
    assert.deepEqual(missing, []);
  });

  it('copies every folder that package.json names for imports, but those of tests and measurements', () => {
    const { imports } = JSON.parse(read('package.json')) as { imports: Record<string, string> };
    const named = Object.keys(imports).map((name) => name.slice(1, -2));
    assert.deepEqual(named.filter((folder) => !copied.includes(folder)).toSorted(), ['bench', 'faults', 'test']);
  });

  it('has the bundle of workflows made, so that a worker that can write nowhere starts at once', () => {
    const made = dockerfile.indexOf('RUN node --disable-warning=ExperimentalWarning worker/make-bundle.ts');
    assert.ok(made > dockerfile.lastIndexOf('COPY '), 'it is made of what was copied');
    assert.ok(made < dockerfile.indexOf('USER node'), 'by who may write there');
  });

  it('is given what it copies, and neither secrets nor data', () => {
    const lines = read('.dockerignore').split('\n');
    assert.equal(
      lines.find((line) => line !== '' && !line.startsWith('#')),
      '*',
    );
    const wanted = ['package.json', 'package-lock.json', 'LICENSE', ...copied];
    assert.deepEqual(
      lines.filter((line) => line.startsWith('!')).toSorted(),
      wanted.map((name) => `!${name}`).toSorted(),
    );
    assert.ok(lines.includes('**/.env*'));
  });
});

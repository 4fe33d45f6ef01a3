/** What can be checked about docker-compose.yml and the Dockerfile without a Docker engine. */
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
  readonly profiles?: readonly string[];
  readonly secrets?: readonly string[];
  readonly logging?: { readonly options?: Readonly<Record<string, string>> };
  readonly entrypoint?: readonly string[];
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
  readonly secrets: Readonly<Record<string, { readonly environment: string }>>;
};

const text = read('docker-compose.yml');
const compose = parse(text, { merge: true }) as Compose;
const services = Object.entries(compose.services);
const ours = services.filter(([, { image }]) => image.startsWith('ticket-ferry:'));
/** They end when they are done; everything else runs until it is stopped. */
const once = services.filter(([, { restart }]) => restart !== 'unless-stopped');
const dockerfile = read('Dockerfile');

function read(file: string): string {
  return readFileSync(join(checkout, file), 'utf8');
}

/** Substitutes variables as Compose does: `${NAME}`, `${NAME:-default}` and `${NAME:?message}`; `$$` is a dollar. */
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

  it('builds our image once, and lets no log grow without limit', () => {
    assert.deepEqual(
      services.filter(([, { build }]) => build !== undefined).map(([name]) => name),
      ['migrate'],
    );
    for (const [name] of ours.filter(([one]) => one !== 'migrate'))
      assert.ok(compose.services[name]?.depends_on?.['migrate'], `${name} waits for what builds its image`);
    for (const [name, { logging }] of services) {
      assert.match(logging?.options?.['max-size'] ?? '', /^\d+m$/, name);
      assert.match(logging?.options?.['max-file'] ?? '', /^\d+$/, name);
    }
  });

  it('does not restart a program indefinitely that ends with an error, and starts the command only when it is called', () => {
    for (const [name, { restart }] of once) assert.match(restart ?? '', /^(?:no|on-failure:\d)$/, name);
    assert.equal(compose.services['migrate']?.restart, 'no', 'a newer schema stays newer');
    assert.deepEqual(compose.services['ferry']?.profiles, ['command']);
  });

  it('publishes ports on the loopback address only', () => {
    for (const [name, { ports = [] }] of services)
      for (const port of ports) assert.match(port, /^127\.0\.0\.1:\d+:\d+$/, name);
  });

  it('watches everything that keeps running, and restarts it', () => {
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
      for (const secret of service.secrets ?? []) assert.ok(compose.secrets[secret], `${name}: ${secret}`);
      for (const volume of (service.volumes ?? []).filter((one) => one !== './config:/etc/ferry:ro'))
        assert.ok(Object.hasOwn(compose.volumes, volume.split(':')[0] ?? ''), `${name}: ${volume} is no named volume`);
      for (const { source } of service.configs ?? []) assert.ok(compose.configs[source], `${name}: ${source}`);
    }
    assert.deepEqual(compose.services['postgres']?.volumes, ['postgres:/var/lib/postgresql']);
  });

  const secrets = {
    PG_ADMIN_PASSWORD: 'a',
    PG_FERRY_PASSWORD: 'b',
    PG_TEMPORAL_PASSWORD: 'c',
    FERRY_DATABASE_URL: 'postgres://ferry:b@postgres:5432/ferry',
    FERRY_SECRET_KEY: Buffer.alloc(32).toString('base64'),
  };

  it('gives each of our programs an environment that it accepts once the secrets are filled in', () => {
    assert.ok(ours.length >= 3);
    for (const [name, { environment = {} }] of ours) {
      const env = Object.fromEntries(
        Object.entries(environment).map(([key, value]) => [key, filledIn(value, secrets)]),
      );
      const { raw, faults } = readEnv(env, (file) => {
        const secret = file.replace('/run/secrets/', '');
        assert.ok(compose.services[name]?.secrets?.includes(secret), `${name} is not given ${file}`);
        return secrets[compose.secrets[secret]?.environment as keyof typeof secrets];
      });
      assert.deepEqual([...faults, ...configFrom(raw).faults], [], name);
      assert.deepEqual(env['FERRY_HOST'], '0.0.0.0');
    }
  });

  it("keeps Ferry's secrets out of the environment of its containers", () => {
    for (const [name, { environment = {} }] of ours)
      for (const [key, value] of Object.entries(environment))
        assert.doesNotMatch(value, /FERRY_SECRET_KEY|FERRY_DATABASE_URL|PASSWORD/, `${name}: ${key}`);
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
        assert.ok(existsSync(join(checkout, sourceOf(word))), `${name}: ${word}`);
    }
  });
});

/** The sources that a program of the image was built from. */
function sourceOf(program: string): string {
  return /^dist\/.*\.js$/.test(program) ? program.slice(5).replace(/\.js$/, '.ts') : program;
}

describe('the Dockerfile', () => {
  const [build = '', image = ''] = dockerfile.split(/^(?=FROM )/m).slice(1);

  it('is based on one pinned Debian image with a Node that can run Ferry, and runs it as an ordinary user', () => {
    const bases = [
      ...dockerfile.matchAll(/^FROM (node:(\d+)\.(\d+)\.\d+-\w+-slim(?:@sha256:[0-9a-f]{64})?)(?: AS \w+)?$/gm),
    ];
    assert.equal(bases.length, 2);
    assert.equal(new Set(bases.map(([, base]) => base)).size, 1);
    for (const [, , major, minor] of bases)
      assert.ok(Number(major) === 24 && Number(minor) >= 12, 'bin/ferry.js needs Node 24.12');
    assert.match(image, /^USER node$/m);
    assert.match(image, /^HEALTHCHECK /m);
  });

  it('ships what was built, and neither sources nor stand-ins nor what starts everything on one machine', () => {
    assert.match(build, /RUN npm run build \\\n +&& rm -rf dist\/standalone dist\/twins$/m);
    const copied = [...image.matchAll(/^COPY (.*)$/gm)].map(([, what]) => what);
    assert.deepEqual(copied, [
      'package.json package-lock.json ./',
      'LICENSE ./',
      'bin ./bin',
      '--from=build /src/dist ./dist',
    ]);
    assert.match(image, /^RUN npm ci --omit=dev --ignore-scripts /m);
  });

  it('needs nothing that was left out: only the command imports it, when it is there', () => {
    const { imports } = JSON.parse(read('package.json')) as { imports: Record<string, string> };
    const folders = Object.keys(imports).map((name) => name.slice(1, -2));
    const left = ['bench', 'faults', 'standalone', 'test', 'twins'];
    const sources = folders
      .filter((folder) => !left.includes(folder))
      .flatMap((folder) =>
        readdirSync(join(checkout, folder), { recursive: true, encoding: 'utf8' })
          .filter((file) => file.endsWith('.ts'))
          .map((file) => join(folder, file)),
      );
    assert.ok(sources.length > 100);
    const wrong = sources.filter((file) =>
      [...read(file).matchAll(/^(?:import|export)\b[^'";]*?['"]#([\w-]+)\//gm)].some(([, folder = '']) =>
        left.includes(folder),
      ),
    );
    assert.deepEqual(wrong, []);
  });

  it('runs programs that exist', () => {
    for (const [, program = ''] of image.matchAll(/"((?:dist|bin)\/[^"]+\.js)"/g))
      assert.ok(existsSync(join(checkout, sourceOf(program))), program);
  });

  it('is given what it is built from, and neither secrets nor data', () => {
    const lines = read('.dockerignore').split('\n');
    assert.equal(
      lines.find((line) => line !== '' && !line.startsWith('#')),
      '*',
    );
    const { imports } = JSON.parse(read('package.json')) as { imports: Record<string, string> };
    const folders = Object.keys(imports)
      .map((name) => name.slice(1, -2))
      .filter((folder) => !['bench', 'faults', 'test'].includes(folder));
    const files = [
      'package.json',
      'package-lock.json',
      'tsconfig.json',
      'tsconfig.build.json',
      'LICENSE',
      '.ci',
      'bin',
    ];
    assert.deepEqual(
      lines.filter((line) => line.startsWith('!')).toSorted(),
      [...files, ...folders].map((name) => `!${name}`).toSorted(),
    );
    assert.ok(lines.includes('**/.env*'));
  });
});

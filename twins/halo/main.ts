/**
 * Runs one twin as a process: `node twins/halo/main.ts --seed acme --port 4101 --data DIR`. With `--report FILE` it
 * answers like the desk whose `ferry check` report that is. With `--watch MODULE`, the `watch` function of that module
 * is called with every request to the API. Prints one line of JSON when it is ready, stops on SIGTERM or SIGINT, and
 * keeps everything in DIR.
 */
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { profileOfReport, profiles } from './profiles.ts';
import type { Profile, ProfileName } from './profiles.ts';
import type { Application } from './seed.ts';
import { seeds } from './seeds.ts';
import { createHaloTwin } from './server.ts';
import type { SeenRequest } from './serving.ts';

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: 'acme' },
    port: { type: 'string', default: '0' },
    host: { type: 'string', default: '127.0.0.1' },
    data: { type: 'string' },
    name: { type: 'string' },
    'public-url': { type: 'string' },
    'rate-limit': { type: 'string' },
    'create-ms': { type: 'string' },
    'client-id': { type: 'string' },
    'frame-ancestors': { type: 'string', multiple: true },
    profile: { type: 'string', default: 'usual' },
    report: { type: 'string' },
    watch: { type: 'string' },
  },
});

const seed = seeds[values.seed];
if (seed === undefined) {
  console.error(`No seed is named ${values.seed}; there are: ${Object.keys(seeds).join(', ')}`);
  process.exit(2);
}
if (values.data !== undefined) mkdirSync(values.data, { recursive: true });

if (!Object.hasOwn(profiles, values.profile)) {
  console.error(`No profile is named ${values.profile}; there are: ${Object.keys(profiles).join(', ')}`);
  process.exit(2);
}

const watching = values.watch === undefined ? null : await watcher(values.watch);

const twin = await createHaloTwin({
  seed,
  profile: values.report === undefined ? (values.profile as ProfileName) : reported(values.report),
  port: Number(values.port),
  host: values.host,
  ...(values.data === undefined ? {} : { dbPath: join(values.data, 'halo.sqlite') }),
  ...(values.name === undefined ? {} : { name: values.name }),
  ...(values['public-url'] === undefined ? {} : { publicUrl: values['public-url'] }),
  ...(values['rate-limit'] === undefined ? {} : { rateLimit: { limit: Number(values['rate-limit']) } }),
  ...(values['create-ms'] === undefined ? {} : { createMs: Number(values['create-ms']) }),
  ...(values['frame-ancestors'] === undefined ? {} : { frameAncestors: values['frame-ancestors'] }),
  ...(watching === null ? {} : { watch: watching }),
  ...(values['client-id'] === undefined ? {} : { applications: applicationsFor(values['client-id']) }),
}).catch((error: unknown) => {
  console.error(`The twin did not start: ${error instanceof Error ? error.message : String(error)}`);
  process.exit(1);
});

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => void twin.close().then(() => process.exit(0)));
}
console.log(
  JSON.stringify({
    url: twin.url,
    port: twin.port,
    name: twin.name,
    tenant: twin.tenant,
    pid: process.pid,
  }),
);

/**
 * Loads a watcher.
 * @param file a module that exports `watch`
 */
async function watcher(file: string): Promise<(request: SeenRequest) => void> {
  const { watch } = (await import(pathToFileURL(file).href)) as { watch?: (request: SeenRequest) => void };
  if (watch !== undefined) return watch;
  console.error(`${file} exports no watch`);
  process.exit(2);
}

/** Reads what `ferry check INSTANCE --report` printed about a live desk. */
function reported(file: string): Profile {
  try {
    return profileOfReport(file, readFileSync(file, 'utf8'));
  } catch (error) {
    console.error(`${file} is not a report of ferry check: ${error instanceof Error ? error.message : String(error)}`);
    process.exit(2);
  }
}

/** Returns the seed's first application under another id. Its secret comes from the environment, never from a flag. */
function applicationsFor(clientId: string): Application[] {
  const first = seed?.applications[0];
  const secret = process.env.HALO_TWIN_SECRET;
  if (first === undefined || secret === undefined) {
    console.error('--client-id needs its secret in HALO_TWIN_SECRET');
    process.exit(2);
  }
  return [{ ...first, client_id: clientId, client_secret: secret }];
}

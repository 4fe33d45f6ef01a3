/** A worker process for light desks, so that tests can kill it. */
import { loadConfig } from '#config/env.ts';
import { makeLog } from '#config/log.ts';
import { runWorker } from '#workflows/run-worker.ts';
import type { Limits } from '#workflows/activities/deps.ts';
import { createLightHelpdesk } from '#bench/desk/connector.ts';

const asked = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => asked.abort());
const config = loadConfig();
await runWorker(config, makeLog({ level: config.log, name: 'worker' }), asked.signal, {
  createHelpdesk: (_type, context) => createLightHelpdesk(context),
  limits: JSON.parse(process.env['FERRY_TEST_LIMITS'] ?? '{}') as Partial<Limits>,
  sweepMs: 1_000,
}).catch((error: unknown) => {
  if (!asked.signal.aborted) throw error;
});

/** The worker as a process, with the connector to light desks: `node worker.ts '{"lingerMs":…}'`. */
import { DefaultLogger, makeTelemetryFilterString, Runtime } from '@temporalio/worker';
import { createLightHelpdesk } from '#bench/light-connector.ts';
import { loadConfig } from '#config/env.ts';
import { makeLog } from '#config/log.ts';
import type { Limits } from '#activities/deps.ts';
import { runWorker } from '#worker/run-worker.ts';

Runtime.install({
  logger: new DefaultLogger('WARN', ({ message }) => process.stderr.write(`${message}\n`)),
  telemetryOptions: { logging: { forward: {}, filter: makeTelemetryFilterString({ core: 'WARN', other: 'WARN' }) } },
  shutdownSignals: [],
});
const asked = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => asked.abort());
const config = loadConfig();
await runWorker(config, makeLog({ level: config.log, name: 'worker' }), asked.signal, {
  createHelpdesk: (_type, context) => Promise.resolve(createLightHelpdesk(context)),
  limits: JSON.parse(process.argv[2] ?? '{}') as Partial<Limits>,
}).catch((error: unknown) => {
  if (!asked.signal.aborted) throw error;
});

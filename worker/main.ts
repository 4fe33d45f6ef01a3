/**
 * The worker's process. It uses the bundle of workflows that `npm run build` has made; with `--bundle-cache DIR` it
 * keeps its own there.
 */
import { parseArgs } from 'node:util';
import { DefaultLogger, makeTelemetryFilterString, Runtime } from '@temporalio/worker';
import { ConfigError, loadConfig, type Config } from '#config/env.ts';
import { surviveDriverFault } from '#db/base/driver-fault.ts';
import { makeLog } from '#config/log.ts';
import { createHelpdesk } from '#connectors/index.ts';
import { SchemaError } from '#db/base/migrate.ts';
import { bundleFile } from '#config/tree.ts';
import { findBundle } from './bundle.ts';
import { runWorker } from './run-worker.ts';

async function main(): Promise<number> {
  let config: Config;
  try {
    config = loadConfig();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    return error.exitCode;
  }
  const log = makeLog({ level: config.log, name: 'worker' });
  surviveDriverFault(log);
  Runtime.install({
    logger: new DefaultLogger('WARN', ({ level, message, meta }) => log.warn({ temporal: level, ...meta }, message)),
    telemetryOptions: { logging: { forward: {}, filter: makeTelemetryFilterString({ core: 'WARN', other: 'WARN' }) } },
    shutdownSignals: [],
  });
  const asked = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => asked.abort());
  try {
    const cache = parseArgs({ options: { 'bundle-cache': { type: 'string' } } }).values['bundle-cache'];
    const bundle = await findBundle({ prebuilt: bundleFile, cache }, (path) =>
      log.warn({ path }, 'this bundle of workflows was built from different code and is not used; run npm run build'),
    );
    await runWorker(config, log, asked.signal, { createHelpdesk, ...(bundle === undefined ? {} : { bundle }) });
    return 0;
  } catch (error) {
    if (asked.signal.aborted) return 0;
    if (error instanceof SchemaError) {
      process.stderr.write(`${error.message}\n`);
      return 78;
    }
    throw error;
  }
}

if (import.meta.main) process.exitCode = await main();

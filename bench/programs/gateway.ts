/** The gateway of benchmarks, whose desks are light ones. */
import { runLightGateway } from '#bench/light-gateway.ts';
import { loadConfig } from '#config/env.ts';
import { makeLog } from '#config/log.ts';

const config = loadConfig();
await runLightGateway({ config, log: makeLog({ level: config.log, name: 'gateway' }), version: 'bench' });

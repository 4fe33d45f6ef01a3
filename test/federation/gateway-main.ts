/**
 * A gateway that dies at a point that a test names: right after it has committed what another gateway sent, before it
 * answers. `FERRY_TEST_CRASH` is the end of the path that was called, such as `/actions`. It is wired like
 * gateway/main.ts.
 */
import { subscribe } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';
import { loadConfig } from '#config/env.ts';
import { surviveDriverFault } from '#db/base/driver-fault.ts';
import { makeLog } from '#config/log.ts';
import { hintOf } from '#connectors/index.ts';
import { connect } from '#db/base/client.ts';
import { createApp } from '#gateway/app.ts';
import { serve } from '#gateway/serve.ts';
import { wireFederation } from '#gateway/wire-federation.ts';

const end = process.env['FERRY_TEST_CRASH'] ?? '';
let asked = '';
subscribe('http.server.request.start', (message) => {
  const { request } = message as { request: IncomingMessage };
  if (request.method === 'POST') asked = request.url ?? '';
});

const config = loadConfig();
const log = makeLog({ level: config.log, name: 'gateway' });
surviveDriverFault(log);
const connection = connect(config.databaseUrl, { max: 10, name: 'ferry-gateway' });
const federation = await wireFederation(config, connection, log);
if (federation === null) throw new Error('a gateway without a public URL receives nothing');
const served = await serve(
  createApp({
    connection,
    log,
    version: '0.0.0',
    hintOf,
    temporalUp: () => Promise.resolve(true),
    federation: {
      ...federation.deps,
      wake(instances) {
        // Waking is the first thing after the commit.
        if (asked.endsWith(end)) process.kill(process.pid, 'SIGKILL');
        federation.deps.wake(instances);
      },
    },
  }),
  { host: config.host, port: config.port },
);
process.stdout.write(`${JSON.stringify({ ready: true, url: served.url })}\n`);

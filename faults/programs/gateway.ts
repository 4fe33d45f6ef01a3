/**
 * The gateway for light desks, wired like gateway/main.ts: it watches over the database's memory, and receives
 * webhooks.
 */
import { lightHint } from '#bench/light-connector.ts';
import { createWitness } from '#blobs/witness.ts';
import { loadConfig } from '#config/env.ts';
import { makeLog } from '#config/log.ts';
import { connect } from '#db/base/client.ts';
import { surviveDriverFault } from '#db/base/driver-fault.ts';
import { createMemory } from '#db/links/memory.ts';
import { createApp } from '#gateway/app.ts';
import { serve } from '#gateway/serve.ts';
import { wireFederation } from '#gateway/wire-federation.ts';

const config = loadConfig();
const log = makeLog({ level: config.log, name: 'gateway' });
surviveDriverFault(log);
const connection = connect(config.databaseUrl, { max: 10, name: 'ferry-gateway' });
const federation = await wireFederation(config, connection, log);
const gateway = createApp({
  connection,
  log,
  version: 'faults',
  hintOf: () => lightHint,
  temporalUp: () => Promise.resolve(true),
  ...(federation === null ? {} : { federation: federation.deps }),
});
const { publicUrl } = config;
const memory = createMemory({ db: connection.db, publicUrl, witness: createWitness(config.blobs), log });
for (;;) {
  try {
    await memory.begin();
    break;
  } catch (error) {
    log.warn({ err: error }, 'the database can’t be reached; trying again');
    await new Promise((later) => setTimeout(later, 500));
  }
}
const served = await serve(gateway, { host: config.host, port: config.port });
process.stdout.write(`${JSON.stringify({ ready: true, url: served.url })}\n`);
for (const name of ['SIGTERM', 'SIGINT'] as const) {
  process.once(
    name,
    () =>
      void served
        .stop(1_000)
        .then(() => federation?.close())
        .then(() => connection.close()),
  );
}

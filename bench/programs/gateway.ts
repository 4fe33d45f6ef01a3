/** The gateway as a process, for desks whose webhooks the product itself does not know. */
import { lightHint } from '#bench/light-connector.ts';
import { loadConfig } from '#config/env.ts';
import { makeLog } from '#config/log.ts';
import { connect } from '#db/base/client.ts';
import { createApp } from '#gateway/app.ts';
import { serve } from '#gateway/serve.ts';
import { wireFederation } from '#gateway/wire-federation.ts';

const config = loadConfig();
const connection = connect(config.databaseUrl, { max: 10, name: 'ferry-gateway' });
const log = makeLog({ level: config.log, name: 'gateway' });
const federation = await wireFederation(config, connection, log);
const gateway = createApp({
  connection,
  log,
  version: 'bench',
  hintOf: () => lightHint,
  temporalUp: () => Promise.resolve(true),
  ...(federation === null ? {} : { federation: federation.deps }),
});
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

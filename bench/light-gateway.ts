/** The gateway as a process of its own, for desks whose webhooks the product itself does not know. */
import type { Config } from '#config/env.ts';
import type { Log } from '#config/log.ts';
import { connect, type Connection } from '#db/base/client.ts';
import { createApp } from '#gateway/app.ts';
import { serve } from '#gateway/serve.ts';
import { wireFederation } from '#gateway/wire-federation.ts';
import { lightHint } from './light-connector.ts';

export type LightGateway = {
  readonly config: Config;
  readonly log: Log;
  /** As which it answers. */
  readonly version: string;
  /** Before anybody is served. */
  prepare?(connection: Connection): Promise<void>;
};

/** Says when it is ready, and leaves when it is told to. */
export async function runLightGateway({ config, log, version, prepare }: LightGateway): Promise<void> {
  const connection = connect(config.databaseUrl, { max: 10, name: 'ferry-gateway' });
  const federation = await wireFederation(config, connection, log);
  const gateway = createApp({
    connection,
    log,
    version,
    hintOf: () => lightHint,
    temporalUp: () => Promise.resolve(true),
    ...(federation === null ? {} : { federation: federation.deps }),
  });
  await prepare?.(connection);
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
}

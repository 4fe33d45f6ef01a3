/** Wires a program's log lines, metrics and traces. */
import type { Config } from '#config/env.ts';
import { ferryVersion } from '#config/version.ts';
import type { AttemptSeen } from '#core/words/attempt.ts';
import type { Client } from '#db/base/client.ts';
import { loadGauges } from '#db/operate/gauges.ts';
import { attemptLine, type Log as Lines } from './lines.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import { serveMetrics, type MetricsServer } from './serve-metrics.ts';
import { noTracing, startTracing, type Tracing } from './tracing.ts';

export type Telemetry = {
  readonly metrics: Metrics;
  readonly tracing: Tracing;
  /** Writes the line, metrics and span of one attempt. Never throws. */
  report(seen: AttemptSeen): void;
  close(): Promise<void>;
};

type Log = Lines & { error(detail: object, text: string): void };

/** Starts them. A part that can't start is logged and left out, so that it never stops the program's work. */
export async function startTelemetry(
  program: 'gateway' | 'worker',
  config: Pick<Config, 'metrics' | 'otlp'>,
  db: Client,
  log: Log,
): Promise<Telemetry> {
  const version = ferryVersion();
  const metrics = createMetrics({ version, program, loadGauges: () => loadGauges(db) });
  const server = config.metrics === null ? null : await listen(metrics, config.metrics, log);
  const tracing = config.otlp ? await trace(program, version, log) : noTracing;
  return {
    metrics,
    tracing,
    report(seen) {
      attemptLine(log, seen);
      metrics.attempt(seen);
      tracing.attempt(seen);
    },
    async close() {
      await server?.close();
      await tracing.close();
      metrics.close();
    },
  };
}

async function listen(
  metrics: Metrics,
  address: { readonly host: string; readonly port: number },
  log: Log,
): Promise<MetricsServer | null> {
  try {
    const server = await serveMetrics(metrics, address);
    log.info({ url: server.url }, 'metrics');
    return server;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    log.error(
      { code, ...address },
      `there are no metrics: can't listen on port ${address.port} of ${address.host}; free it, or set FERRY_METRICS_PORT to a different port for each program on this machine`,
    );
    return null;
  }
}

async function trace(program: 'gateway' | 'worker', version: string, log: Log): Promise<Tracing> {
  try {
    return await startTracing(program, version);
  } catch (error) {
    log.error({ err: error }, 'there are no traces: OpenTelemetry could not be started');
    return noTracing;
  }
}

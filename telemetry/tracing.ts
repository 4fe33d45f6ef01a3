/**
 * Sends OpenTelemetry traces if an OTLP endpoint is set, and loads its packages only then. A delivery's spans have the trace id of
 * its action, which is the same at every gateway that the action passes.
 */
import type { SpanContext } from '@opentelemetry/api';
import type { AttemptSeen } from '#core/words/attempt.ts';

export type Tracing = {
  attempt(seen: AttemptSeen): void;
  /** @param parent the caller's `traceparent` */
  request(seen: RequestSeen): void;
  /** Sends the remaining spans. */
  close(): Promise<void>;
};

export type RequestSeen = {
  readonly method: string;
  readonly route: string;
  readonly status: number;
  readonly ms: number;
  readonly parent: string | undefined;
};

export const noTracing: Tracing = { attempt: () => {}, request: () => {}, close: () => Promise.resolve() };

/** The exporter itself reads the endpoint and the other OTEL_EXPORTER_OTLP_… variables. */
export async function startTracing(program: 'gateway' | 'worker', version: string): Promise<Tracing> {
  const [api, sdk, { OTLPTraceExporter }, resources] = await Promise.all([
    import('@opentelemetry/api'),
    import('@opentelemetry/sdk-trace'),
    import('@opentelemetry/exporter-trace-otlp-proto'),
    import('@opentelemetry/resources'),
  ]);
  const own = { 'service.name': `ferry-${program}`, 'service.version': version };
  // The environment overrides these attributes of the resource.
  const detected = resources.detectResources({ detectors: [resources.envDetector] });
  const provider = new sdk.TracerProvider({
    resource: resources.resourceFromAttributes(own).merge(detected),
    spanProcessors: [new sdk.BatchSpanProcessor({ exporter: new OTLPTraceExporter() })],
  });
  const tracer = provider.getTracer('ferry', version);
  const under = (parent: SpanContext | null) =>
    parent === null ? api.ROOT_CONTEXT : api.trace.setSpanContext(api.ROOT_CONTEXT, parent);
  return {
    attempt(seen) {
      const end = Date.now();
      const { link, mirror, delivery, from, fromTicket, to, toTicket, result, reason, attempt, waitedMs } = seen;
      const span = tracer.startSpan(
        `carry ${seen.kind}`,
        {
          kind: api.SpanKind.PRODUCER,
          startTime: end - seen.ms,
          attributes: {
            ...{ 'ferry.link': link, 'ferry.mirror': mirror, 'ferry.delivery': delivery, 'ferry.attempt': attempt },
            ...{ 'ferry.from': from, 'ferry.to': to, 'ferry.result': result, 'ferry.waited_ms': waitedMs },
            ...(fromTicket === null ? {} : { 'ferry.from_ticket': fromTicket }),
            ...(toTicket === null ? {} : { 'ferry.to_ticket': toTicket }),
            ...(reason === null ? {} : { 'ferry.reason': reason }),
          },
        },
        under(parentOf(seen.trace, mirror)),
      );
      if (result === 'retry' || result === 'held' || result === 'refused')
        span.setStatus({ code: api.SpanStatusCode.ERROR, message: reason ?? result });
      span.end(end);
    },
    request({ method, route, status, ms, parent }) {
      const end = Date.now();
      const span = tracer.startSpan(
        `${method} ${route}`,
        {
          kind: api.SpanKind.SERVER,
          startTime: end - ms,
          attributes: { 'http.request.method': method, 'http.route': route, 'http.response.status_code': status },
        },
        under(readParent(parent)),
      );
      if (status >= 500) span.setStatus({ code: api.SpanStatusCode.ERROR });
      span.end(end);
    },
    async close() {
      await provider.shutdown().catch(() => undefined);
    },
  };
}

const sampled = 1;

/** Groups all attempts of an action under a span that is never sent; its id is derived from the mirror's. */
function parentOf(trace: string, mirror: string): SpanContext | null {
  const spanId = mirror.replaceAll('-', '').slice(-16);
  return isTrace(trace) && isSpan(spanId) ? { traceId: trace, spanId, traceFlags: sampled, isRemote: true } : null;
}

/** Parses W3C Trace Context; null if it is invalid. */
export function readParent(header: string | undefined): SpanContext | null {
  const [, trace = '', span = '', flags = ''] =
    /^[\da-f]{2}-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})(?:-.*)?$/.exec(header?.slice(0, 200) ?? '') ?? [];
  if (!isTrace(trace) || !isSpan(span)) return null;
  return { traceId: trace, spanId: span, traceFlags: Number.parseInt(flags, 16) & sampled, isRemote: true };
}

function isTrace(text: string): boolean {
  return /^[\da-f]{32}$/.test(text) && !/^0+$/.test(text);
}

function isSpan(text: string): boolean {
  return /^[\da-f]{16}$/.test(text) && !/^0+$/.test(text);
}

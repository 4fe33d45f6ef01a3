/** `/healthz`: the process lives. `/readyz`: it can do its work. `/version`. */
import { Hono } from 'hono';
import type { Connection } from '#db/base/client.ts';
import { assertSchema, SchemaError } from '#db/base/migrate.ts';
import { ContentKeyError } from '#db/base/content.ts';
import { assertContentKeys } from '#db/base/content-keys.ts';
import { DatabaseTlsError } from '#db/base/tls.ts';
import { problem } from './problems.ts';

export type HealthDeps = {
  readonly sql: Connection['sql'];
  readonly sealer: Connection['sealer'];
  readonly version: string;
  /** Whether Temporal answers. Without it hooks are still taken; carrying waits. */
  readonly temporalUp: () => Promise<boolean>;
  readonly isStopping: () => boolean;
};

type Readiness =
  | { readonly ready: true; readonly temporal: 'up' | 'down' }
  | {
      readonly ready: false;
      readonly code: 'database-unavailable' | 'database-untrusted' | 'content-key' | 'schema-mismatch';
      readonly detail: string;
    };

/** Probes come often and from several places; the database is asked once a second. */
const keepMs = 1_000;
const patienceMs = 2_000;

export function healthRoutes(deps: HealthDeps): Hono {
  const routes = new Hono();
  let last: { readonly at: number; readonly readiness: Promise<Readiness> } | null = null;

  routes.get('/healthz', (c) => c.json({ status: 'ok' }));
  routes.get('/version', (c) => c.json({ name: 'ticket-ferry', version: deps.version }));
  routes.get('/readyz', async (c) => {
    if (deps.isStopping()) return problem('shutting-down');
    if (last === null || performance.now() - last.at > keepMs) last = { at: performance.now(), readiness: look(deps) };
    const readiness = await last.readiness;
    if (!readiness.ready) return problem(readiness.code, readiness.detail);
    return c.json({ status: 'ready', database: 'up', temporal: readiness.temporal });
  });
  return routes;
}

async function look(deps: HealthDeps): Promise<Readiness> {
  const [database, temporal] = await Promise.all([lookAtDatabase(deps), deps.temporalUp().catch(() => false)]);
  return database ?? { ready: true, temporal: temporal ? 'up' : 'down' };
}

/**
 * A database that only answers is no use: after a failover it may take no writes. This leaves a record in its log and no
 * row behind, and is refused wherever a write to a table is.
 */
async function write(sql: Connection['sql']): Promise<void> {
  await sql.unsafe(`with refused as (update couriers set epoch = epoch where false)
    select pg_logical_emit_message(true, 'ferry', 'ready')`);
}

async function lookAtDatabase({ sql, sealer }: Pick<HealthDeps, 'sql' | 'sealer'>): Promise<Readiness | null> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error('no answer')), patienceMs);
  try {
    await Promise.race([
      assertSchema(sql)
        .then(() => assertContentKeys(sql, sealer))
        .then(() => write(sql)),
      late,
    ]);
    return null;
  } catch (error) {
    if (error instanceof SchemaError) return { ready: false, code: 'schema-mismatch', detail: error.message };
    if (error instanceof DatabaseTlsError) return { ready: false, code: 'database-untrusted', detail: error.message };
    if (error instanceof ContentKeyError) return { ready: false, code: 'content-key', detail: error.message };
    return {
      ready: false,
      code: 'database-unavailable',
      detail: "Check that PostgreSQL runs, that it takes writes, and that the gateway's database URL is right.",
    };
  } finally {
    clearTimeout(timer);
  }
}

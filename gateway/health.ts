/** `/healthz`: the process is alive. `/readyz`: it can work. `/version`. */
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
  /** Says whether Temporal answers. Without it, hooks are still accepted, and carrying waits. */
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

/** Asks the database at most once a second, because probes are frequent and come from several places. */
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
 * Checks that the database accepts writes, because after a failover it may only answer reads. The statement changes no row, but
 * fails whenever a write to a table would.
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
      detail: "Check that PostgreSQL is running and accepts writes, and that the gateway's database URL is correct.",
    };
  } finally {
    clearTimeout(timer);
  }
}

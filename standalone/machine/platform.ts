/** Starts what Ferry depends on as children: its database, migrated, and Temporal. */
import type { Children } from './children.ts';
import { codeOf, lostSchema } from './errors.ts';
import type { Ports } from './kept.ts';
import { logFile, rotateLog } from './paths.ts';
import type { Paths } from './paths.ts';
import { startPostgres } from './postgres.ts';
import type { RunningPostgres } from './postgres.ts';
import { startTemporal } from './temporal.ts';
import type { RunningTemporal } from './temporal.ts';

type Environment = Readonly<Record<string, string | undefined>>;

export const database = 'ferry';
export const namespace = 'default';

export async function postgresChild(
  paths: Paths,
  ports: Ports,
  children: Children,
  signal: AbortSignal,
): Promise<RunningPostgres> {
  const file = logFile(paths, 'postgres');
  await rotateLog(file);
  return children.start('postgres', (onSpawn) =>
    startPostgres({
      dataDir: paths.data,
      port: ports.postgres,
      durable: true,
      logFile: file,
      signal,
      onSpawn,
    }),
  );
}

export async function temporalChild(
  env: Environment | undefined,
  paths: Paths,
  ports: Ports,
  children: Children,
  context: {
    readonly say: (line: string) => void;
    readonly signal: AbortSignal;
    /** Serves Temporal's pages only on request, because they let in everybody on this machine. */
    readonly ui: boolean;
    readonly uncheckedDownload: boolean;
  },
): Promise<RunningTemporal> {
  const file = logFile(paths, 'temporal');
  await rotateLog(file);
  return children.start('temporal', (onSpawn) =>
    startTemporal({
      dataDir: paths.temporal,
      port: ports.temporal,
      uiPort: context.ui ? ports.temporalUi : undefined,
      uncheckedDownload: context.uncheckedDownload,
      logFile: file,
      namespace,
      progress: context.say,
      signal: context.signal,
      onSpawn,
      ...(env === undefined ? {} : { env }),
    }),
  );
}

export async function migrateOrSay(url: string): Promise<void> {
  const { migrate } = await import('#db/base/migrate.ts');
  try {
    await migrate(url);
  } catch (error) {
    const code = codeOf(error);
    if (code === 'schema-newer' || code === 'schema-older') throw lostSchema(error as Error);
    throw error;
  }
}

/**
 * The database driver (postgres 3.4) throws from a timer of its own when a connection ends after a statement was queued
 * and before it was written. Nobody can catch that error, and it affects only that connection: its queries are rejected
 * and the pool reconnects, so the process may continue. Every other uncaught error still ends the process.
 */
type Log = Readonly<Record<'warn' | 'fatal', (about: object, message: string) => void>>;

/** Tells whether it is exactly that error. */
export function isDriverFault(error: unknown): boolean {
  return (
    error instanceof TypeError &&
    /reading 'write'/.test(error.message) &&
    /\bnextWrite\b.*[/\\]postgres[/\\]/s.test(error.stack ?? '')
  );
}

/** Installs the handler; for a process's entry, before its first query. */
export function surviveDriverFault(log: Log): void {
  process.on('uncaughtException', (error) => {
    if (isDriverFault(error)) {
      log.warn({ err: error }, 'a database connection ended while it was being written to; a new one is opened');
      return;
    }
    log.fatal({ err: error }, 'an unexpected error');
    process.exit(1);
  });
}

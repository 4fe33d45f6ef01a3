/**
 * The database driver (postgres 3.4) throws from a timer of its own when a connection ends between a statement's being
 * queued and its being written: nobody can catch that, and nothing but that connection is affected. Its queries are
 * rejected and the pool connects anew, so a process goes on. Every other uncaught error still ends it.
 */
type Log = Readonly<Record<'warn' | 'fatal', (about: object, message: string) => void>>;

/** True for exactly that error. */
export function isDriverFault(error: unknown): boolean {
  return (
    error instanceof TypeError &&
    /reading 'write'/.test(error.message) &&
    /\bnextWrite\b.*[/\\]postgres[/\\]/s.test(error.stack ?? '')
  );
}

/** For a process's entry, before its first query. */
export function surviveDriverFault(log: Log): void {
  process.on('uncaughtException', (error) => {
    if (isDriverFault(error)) {
      log.warn({ err: error }, 'a database connection ended while it was written to; another is made');
      return;
    }
    log.fatal({ err: error }, 'an error that nobody expected');
    process.exit(1);
  });
}

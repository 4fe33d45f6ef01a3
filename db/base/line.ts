/**
 * The connection to the database, which may fall silent or lead to a server that accepts no writes. The driver would
 * wait for an answer without limit, and keep a read-only session for up to an hour. Here every wait ends: if a
 * statement is not answered in time, or is refused because its session is read-only, all connections are discarded.
 * Statements running on them fail as with any lost connection, and the pool reconnects.
 */
import type { Duplex } from 'node:stream';
import { openLine, type Wanted } from './tls.ts';

export type Line = {
  /** Creates each of the driver's connections. */
  readonly socket: (options: SocketOptions) => Duplex | Promise<Duplex>;
  /**
   * Starts watching one request to the database. Call the returned function when the answer arrives, with its error if
   * it has one.
   */
  asked(): (error?: unknown) => void;
  /** Discards all connections except those made a moment ago. */
  renew(): void;
};

type SocketOptions = {
  readonly host: readonly string[];
  readonly port: readonly number[];
  /** Path of a Unix socket. */
  readonly path?: string | false;
};

/** SQLSTATE read_only_sql_transaction: a standby, or a primary that was one when the session began. */
const readOnly = '25006';
/**
 * Connections younger than this are kept, so that a database that stays read-only is not reconnected to continuously.
 * Milliseconds.
 */
const youngMs = 1_000;

/** `answerWithinMs`: longer than the server itself lets a statement take. `tls`: null for unencrypted connections. */
export function createLine(answerWithinMs: number, tls: Wanted | null = null): Line {
  const open = new Map<Duplex, number>();
  const kept = <Made extends Duplex>(made: Made): Made => {
    open.set(made, performance.now());
    made.once('close', () => open.delete(made));
    return made;
  };
  let next = 0;
  const renew = (): void => {
    const now = performance.now();
    for (const [socket, since] of open) if (now - since >= youngMs) socket.destroy();
  };
  return {
    socket({ host, port, path }) {
      const place = next % Math.max(host.length, 1);
      next += 1;
      const at = { host: host[place] ?? 'localhost', port: Number(port[place] ?? 5432), path: path ?? false };
      const line = openLine(at, tls);
      return line instanceof Promise ? line.then(kept) : kept(line);
    },
    asked() {
      const timer = setTimeout(renew, answerWithinMs);
      timer.unref();
      return (error) => {
        clearTimeout(timer);
        if (sqlState(error) === readOnly) renew();
      };
    },
    renew,
  };
}

function sqlState(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}

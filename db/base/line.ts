/**
 * The line to the database, which may fall silent or lead to a server that takes no writes. The driver waits for an
 * answer for ever, and keeps a session that can't write for up to an hour. Here every wait has an end: a statement that
 * is not answered in time, and one refused because its session is read-only, make all connections be thrown away. What
 * was under way on them fails as with any lost connection, and the pool connects anew.
 */
import type { Duplex } from 'node:stream';
import { openLine, type Wanted } from './tls.ts';

export type Line = {
  /** For the driver: makes each of its connections. */
  readonly socket: (options: SocketOptions) => Duplex | Promise<Duplex>;
  /** Something is asked of the database. Call what is returned when the answer is there, with its error if it is one. */
  asked(): (error?: unknown) => void;
  /** Throws away the connections that there are, but for those made just now. */
  renew(): void;
};

type SocketOptions = {
  readonly host: readonly string[];
  readonly port: readonly number[];
  /** Of a Unix socket. */
  readonly path?: string | false;
};

/** SQLSTATE read_only_sql_transaction: a standby, or a primary that was one when the session began. */
const readOnly = '25006';
/** Younger ones are as good as new; so a database that stays read-only is not connected to without a pause. Milliseconds. */
const youngMs = 1_000;

/** `answerWithinMs`: longer than the server itself lets a statement take. `tls`: null for lines in the clear. */
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

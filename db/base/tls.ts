/**
 * TLS to PostgreSQL. Ferry makes the secured line itself, so that a server which is not the one that was meant, and one
 * that offers no TLS, are told from one that is down.
 */
import { connect as connectSocket, isIP, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { checkServerIdentity, connect as connectTls } from 'node:tls';
import postgres from 'postgres';

/** PEM each. Where it is given, the server's certificate and name are verified, whatever `sslmode` says. */
export type DatabaseTls = {
  /** Whom to trust; absent: whom the operating system trusts. */
  readonly ca?: string;
  readonly client?: { readonly cert: string; readonly key: string };
};

export type Address = { readonly host: string; readonly port: number; readonly path?: string | false };

/** `database-untrusted`: its certificate is not to be trusted, or is another host's. `database-without-tls`: it has none. */
export class DatabaseTlsError extends Error {
  override readonly name = 'DatabaseTlsError';
  readonly code: 'database-untrusted' | 'database-without-tls';

  constructor(code: DatabaseTlsError['code'], message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

export type Wanted = DatabaseTls & {
  readonly verify: boolean;
  /** `sslmode=prefer`: a server without TLS will do. */
  readonly optional: boolean;
};

/** What the URL (`sslmode`) and the settings ask for; null: nothing. */
export function wantedTls(url: string, tls: DatabaseTls | undefined): Wanted | null {
  if (tls !== undefined) return { ...tls, verify: true, optional: false };
  const query = URL.parse(url)?.searchParams;
  const mode = query?.get('sslmode') ?? query?.get('ssl') ?? 'disable';
  if (['disable', 'false', '0', ''].includes(mode)) return null;
  const unverified = ['allow', 'prefer', 'require'].includes(mode);
  return { verify: !unverified, optional: mode === 'prefer' || mode === 'allow' };
}

/** For the driver, which is not to make a secured line of its own. */
export const driverTls = { ssl: false } as const;

const connectMs = 5_000;
/** The four bytes that say how long it is, and the code of the request. https://www.postgresql.org/docs/18/protocol-message-formats.html */
const sslRequest = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);

/** For the driver: what it asks of a socket of its own, names in errors among it. */
export type Line = Duplex & Address;

/**
 * A line for the driver, which waits for it. One that can't be had ends with its error as soon as the driver listens:
 * it would count a promise that is rejected as a connection that is still being made.
 */
export function openLine(at: Address, wanted: Wanted | null): Line | Promise<Line> {
  const socket = at.path ? connectSocket({ path: at.path }) : connectSocket({ host: at.host, port: at.port });
  socket.setNoDelay(true);
  // The driver begins to listen a moment later.
  socket.on('error', () => undefined);
  if (wanted === null || at.path) return Object.assign(socket, at);
  return secure(socket, at, wanted).then(
    (line) => Object.assign(line, at),
    (error: Error) => Object.assign(ended(error), at),
  );
}

function ended(error: Error): Duplex {
  const line = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
  setImmediate(() => line.destroy(error));
  // The driver asks whether it has to wait for its end.
  return Object.assign(line, { readyState: 'closed' });
}

/** @throws DatabaseTlsError, or what the system says */
async function secure(socket: Socket, at: Address, wanted: Wanted): Promise<Socket> {
  const timer = setTimeout(() => socket.destroy(timedOut()), connectMs);
  try {
    if (await offersTls(socket)) return await secured(socket, at.host, wanted);
    if (wanted.optional) {
      socket.resume();
      return socket;
    }
    throw new DatabaseTlsError(
      'database-without-tls',
      `the database at ${at.host} offers no TLS, and the settings ask for it; turn on ssl in PostgreSQL, or leave out DATABASE_TLS_… and sslmode`,
    );
  } catch (error) {
    socket.destroy();
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

function offersTls(socket: Socket): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const closed = (): void => reject(Object.assign(new Error('the line was closed'), { code: 'ECONNRESET' }));
    socket.once('error', reject);
    socket.once('close', closed);
    // One byte; what comes after it belongs to the TLS layer, and nothing does before we speak.
    socket.once('data', (answer: Buffer) => {
      socket.off('error', reject).off('close', closed);
      socket.pause();
      resolve(answer[0] === 'S'.charCodeAt(0));
    });
    socket.write(sslRequest);
  });
}

function secured(socket: Socket, host: string, { ca, client, verify }: Wanted): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const line = connectTls({
      socket,
      minVersion: 'TLSv1.2',
      rejectUnauthorized: verify,
      ...(isIP(host) ? {} : { servername: host }),
      // For an address Node would look for the name "localhost".
      checkServerIdentity: (_name, certificate) => checkServerIdentity(host, certificate),
      ...(ca === undefined ? {} : { ca }),
      ...(client === undefined ? {} : { cert: client.cert, key: client.key }),
    });
    // Kept: the driver begins to listen a moment later.
    line.on('error', (error: NodeJS.ErrnoException) => reject(untrusted(host, error)));
    line.once('secureConnect', () => resolve(line));
  });
}

const lost = new Set(['ECONNRESET', 'ECONNREFUSED', 'EPIPE', 'ETIMEDOUT', 'CONNECT_TIMEOUT']);

function timedOut(): Error {
  return Object.assign(new Error('the database did not answer in time'), { code: 'CONNECT_TIMEOUT' });
}

function untrusted(host: string, error: NodeJS.ErrnoException): Error {
  if (lost.has(error.code ?? '')) return error;
  return new DatabaseTlsError(
    'database-untrusted',
    error.code === 'ERR_TLS_CERT_ALTNAME_INVALID'
      ? `the certificate of the database is not for ${host}; name the host in DATABASE_URL as the certificate does, or give the server one for this name`
      : `the database at ${host} can't be trusted (${error.code ?? 'no reason'}); set DATABASE_TLS_CA to the certificate of who has signed the server's, and look whether somebody answers in its place`,
    { cause: error },
  );
}

/** One connection for a short work, such as a migration, with the same lines as everybody's. */
export function connectOnce(url: string, tls: DatabaseTls | undefined): postgres.Sql {
  const wanted = wantedTls(url, tls);
  return postgres(url, {
    max: 1,
    onnotice: () => {},
    ...driverTls,
    socket: ({ host, port, path }: { host: string[]; port: number[]; path?: string | false }) =>
      openLine({ host: host[0] ?? 'localhost', port: Number(port[0] ?? 5432), path: path ?? false }, wanted),
  } as postgres.Options<Record<string, never>>);
}

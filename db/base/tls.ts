/**
 * TLS to PostgreSQL. Ferry sets up TLS itself, to distinguish a wrong server and a server without TLS from one that is
 * down.
 */
import { connect as connectSocket, isIP, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { checkServerIdentity, connect as connectTls } from 'node:tls';
import postgres from 'postgres';

/** PEM each. If set, the server's certificate and name are verified, whatever `sslmode` says. */
export type DatabaseTls = {
  /** The trusted authorities; absent: those of the operating system. */
  readonly ca?: string;
  readonly client?: { readonly cert: string; readonly key: string };
};

export type Address = { readonly host: string; readonly port: number; readonly path?: string | false };

/**
 * `database-untrusted`: its certificate is not trusted or belongs to another host. `database-without-tls`: it offers no
 * TLS.
 */
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
  /** `sslmode=prefer`: a server without TLS is accepted. */
  readonly optional: boolean;
};

/** Determines what the URL (`sslmode`) and the settings require; null: no TLS. */
export function wantedTls(url: string, tls: DatabaseTls | undefined): Wanted | null {
  if (tls !== undefined) return { ...tls, verify: true, optional: false };
  const query = URL.parse(url)?.searchParams;
  const mode = query?.get('sslmode') ?? query?.get('ssl') ?? 'disable';
  if (['disable', 'false', '0', ''].includes(mode)) return null;
  const unverified = ['allow', 'prefer', 'require'].includes(mode);
  return { verify: !unverified, optional: mode === 'prefer' || mode === 'allow' };
}

/** Options for the driver, which must not set up TLS itself. */
export const driverTls = { ssl: false } as const;

const connectMs = 5_000;
/**
 * Four bytes of length, then the code of the request. https://www.postgresql.org/docs/18/protocol-message-formats.html
 */
const sslRequest = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);

/** What the driver expects of a socket that it did not create, including the names it shows in errors. */
export type Line = Duplex & Address;

/**
 * Opens a connection for the driver, which waits for it. A failed one ends with its error once the driver listens: the
 * driver would count a rejected promise as a connection that is still being made.
 */
export function openLine(at: Address, wanted: Wanted | null): Line | Promise<Line> {
  const socket = at.path ? connectSocket({ path: at.path }) : connectSocket({ host: at.host, port: at.port });
  socket.setNoDelay(true);
  // The driver starts listening a moment later.
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
  // The driver checks whether it must wait for the end.
  return Object.assign(line, { readyState: 'closed' });
}

/** @throws DatabaseTlsError, or the system's error */
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
      `the database at ${at.host} offers no TLS, but the settings require it; turn on ssl in PostgreSQL, or remove DATABASE_TLS_… and sslmode`,
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
    const closed = (): void => reject(Object.assign(new Error('the connection was closed'), { code: 'ECONNRESET' }));
    socket.once('error', reject);
    socket.once('close', closed);
    // One byte. Anything after it belongs to the TLS layer, and nothing follows until we send.
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
      // For an IP address Node would check the name "localhost".
      checkServerIdentity: (_name, certificate) => checkServerIdentity(host, certificate),
      ...(ca === undefined ? {} : { ca }),
      ...(client === undefined ? {} : { cert: client.cert, key: client.key }),
    });
    // Stays attached: the driver starts listening a moment later.
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
      ? `the certificate of the database is not for ${host}; use the certificate's name in DATABASE_URL, or give the server a certificate for this name`
      : `the database at ${host} can't be trusted (${error.code ?? 'no reason'}); set DATABASE_TLS_CA to the certificate of the authority that signed the server's, and check whether another server answers in its place`,
    { cause: error },
  );
}

/** Opens one connection for a short task, such as a migration, with the same TLS handling. */
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

/** Until when the certificate of a server is valid, by a handshake to an allowed address and no request. */
import type { TLSSocket } from 'node:tls';
import type { buildConnector } from 'undici';

/** @param connect guard.ts's. Throws what it throws, and where the certificate is not trusted. */
export async function certificateEnd(
  connect: buildConnector.connector,
  url: URL,
  signal: AbortSignal,
): Promise<Date | null> {
  const { protocol, hostname, host, port } = url;
  if (protocol !== 'https:') return null;
  const asked = { protocol, hostname, host, port: port === '' ? '443' : port };
  const socket = await new Promise<TLSSocket>((resolve, reject) => {
    const stop = (): void => reject(signal.reason as Error);
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    connect(asked as buildConnector.Options, (error, opened) => {
      signal.removeEventListener('abort', stop);
      if (error !== null) reject(error);
      else if (signal.aborted) opened.destroy();
      else resolve(opened as TLSSocket);
    });
  });
  const { valid_to: until } = socket.getPeerCertificate();
  socket.destroy();
  const end = new Date(until);
  return Number.isNaN(end.getTime()) ? null : end;
}

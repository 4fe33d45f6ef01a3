/**
 * Ends requests whose bodies come too slowly. The server's own limit is one for all, and a file may lawfully take
 * longer than anything else, as long as it comes at a least rate.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';

type Coming = {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly at: number;
  /** Of the socket, when the request began. */
  readonly bytesBefore: number;
  readonly isFile: boolean;
};

const leastBytesPerMs = (10 * 1024) / 1_000;
const file = /\/v1\/attachments\//;

/** @param timeoutMs for the whole of a request; a file may fall behind its least rate for as long */
export function watchBodies(server: Server, timeoutMs: number): { stop(): void } {
  const coming = new Set<Coming>();
  server.prependListener('request', (request: IncomingMessage, response: ServerResponse) => {
    const { headers, socket, method, url } = request;
    if (headers['content-length'] === undefined && headers['transfer-encoding'] === undefined) return;
    const isFile = method === 'PUT' && file.test(url ?? '');
    const one = { request, response, at: performance.now(), bytesBefore: socket.bytesRead, isFile };
    coming.add(one);
    response.once('close', () => coming.delete(one));
  });
  const timer = setInterval(
    () => {
      const now = performance.now();
      for (const one of coming) {
        if (one.request.complete) coming.delete(one);
        else if (isLate(one, now - one.at, timeoutMs)) giveUp(one);
      }
    },
    Math.min(1_000, timeoutMs / 2),
  );
  timer.unref();
  return { stop: () => clearInterval(timer) };
}

function isLate({ request, bytesBefore, isFile }: Coming, elapsedMs: number, timeoutMs: number): boolean {
  if (elapsedMs <= timeoutMs) return false;
  if (!isFile) return true;
  const came = request.socket.bytesRead - bytesBefore;
  return came < (elapsedMs - timeoutMs) * leastBytesPerMs;
}

function giveUp({ request, response }: Coming): void {
  const { socket } = request;
  if (!response.headersSent && !socket.destroyed)
    socket.end('HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n', () =>
      socket.destroy(),
    );
  else socket.destroy();
}

/**
 * What one connection, and one address, may have of the server: so many connections, so many requests on one of them
 * before the first is answered, and so long without taking what was sent to it.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { network } from './network.ts';

export type SocketLimits = {
  /** An address of a proxy has no limit of its own. */
  readonly perAddress: number;
  readonly isProxy: (address: string) => boolean;
  /** Requests of one connection that are under way. More come only from who does not wait for answers. */
  readonly underWay: number;
  /** So long what was sent may go without being taken. Milliseconds. */
  readonly stallMs: number;
};

export const standardSockets: SocketLimits = { perAddress: 256, isProxy: () => false, underWay: 8, stallMs: 30_000 };

/** After `stallMs` an answer has to be taken at least as fast. */
const leastBytesPerMs = (10 * 1024) / 1_000;

type Watched = { requests: number; stalledFrom: number | null; takenBefore: number };

export function watchSockets(server: Server, limits: SocketLimits): { stop(): void } {
  const byAddress = new Map<string, number>();
  const sockets = new Map<Socket, Watched>();

  server.on('connection', (socket: Socket) => {
    const { remoteAddress } = socket;
    if (remoteAddress === undefined) return;
    const address = network(remoteAddress);
    const open = (byAddress.get(address) ?? 0) + 1;
    if (open > limits.perAddress && !limits.isProxy(remoteAddress)) {
      socket.destroy();
      return;
    }
    byAddress.set(address, open);
    sockets.set(socket, { requests: 0, stalledFrom: null, takenBefore: 0 });
    socket.once('close', () => {
      sockets.delete(socket);
      const left = (byAddress.get(address) ?? 1) - 1;
      if (left > 0) byAddress.set(address, left);
      else byAddress.delete(address);
    });
  });

  server.prependListener('request', ({ socket }: IncomingMessage, response: ServerResponse) => {
    const watched = sockets.get(socket);
    if (watched === undefined) return;
    watched.requests += 1;
    if (watched.requests > limits.underWay) socket.destroy();
    response.once('close', () => {
      watched.requests -= 1;
    });
  });

  const timer = setInterval(
    () => {
      const now = performance.now();
      for (const [socket, watched] of sockets) if (isStalled(socket, watched, now, limits.stallMs)) socket.destroy();
    },
    Math.min(1_000, limits.stallMs / 2),
  );
  timer.unref();
  return { stop: () => clearInterval(timer) };
}

/** Node counts what it was given to send; what of it still waits is not taken. */
function isStalled(socket: Socket, watched: Watched, now: number, stallMs: number): boolean {
  if (socket.writableLength === 0) {
    watched.stalledFrom = null;
    return false;
  }
  const taken = socket.bytesWritten - socket.writableLength;
  if (watched.stalledFrom === null) {
    watched.stalledFrom = now;
    watched.takenBefore = taken;
    return false;
  }
  const elapsed = now - watched.stalledFrom;
  return elapsed > stallMs && taken - watched.takenBefore <= (elapsed - stallMs) * leastBytesPerMs;
}

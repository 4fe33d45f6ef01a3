/**
 * Limits connections: their number per address, the pipelined requests on one of them, and how long a caller may leave responses
 * unread.
 */
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { network } from './network.ts';

export type SocketLimits = {
  /** Proxies have no limit per address. */
  readonly perAddress: number;
  readonly isProxy: (address: string) => boolean;
  /** Concurrent requests of one connection. Only callers that do not wait for answers have more. */
  readonly underWay: number;
  /** How long a response may stay unread. Milliseconds. */
  readonly stallMs: number;
};

export const standardSockets: SocketLimits = { perAddress: 256, isProxy: () => false, underWay: 8, stallMs: 30_000 };

/** The rate at which a response has to be read after `stallMs`. */
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

/** Node counts the bytes written to the socket; those still in its buffer are unread. */
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

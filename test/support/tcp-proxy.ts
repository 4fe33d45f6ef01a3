/**
 * A TCP proxy for tests of network faults: it cuts a connection after any number of bytes in either direction, refuses,
 * or delays. It knows nothing of HTTP, so a cut may happen anywhere in a request or its answer.
 */
import { connect, createServer, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';

export type Cut = {
  /** The direction in which bytes are counted: `up` is what the caller sends. */
  readonly way: 'up' | 'down';
  /** Passed on before both ends are broken. */
  readonly afterBytes: number;
};

export type TcpProxy = {
  readonly url: string;
  readonly port: number;
  /** Strikes the next connections on which enough bytes pass, one each. */
  cut(...cuts: readonly Cut[]): void;
  /** Cuts that have not struck yet. */
  left(): number;
  /** Forgets them. */
  mend(): void;
  /** While down, connections are refused by being closed at once, and open ones are broken. */
  down(isDown: boolean): void;
  /** While silent, connections stay open, are taken, and nothing passes either way: a cable that is cut. */
  silent(isSilent: boolean): void;
  /** Bytes seen so far, both ways, of all connections. */
  bytes(): { readonly up: number; readonly down: number };
  /** The port that connections go to from now on. */
  aim(port: number): void;
  close(): Promise<void>;
};

/** `port`: the port on 127.0.0.1 of the server behind the proxy. */
export async function startTcpProxy(port = 0): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  const seen = { up: 0, down: 0 };
  let cuts: Cut[] = [];
  let target = port;
  let isDown = false;
  let isSilent = false;

  const server = createServer((near) => {
    sockets.add(near);
    near.once('close', () => sockets.delete(near));
    near.on('error', () => undefined);
    if (isDown) {
      near.destroy();
      return;
    }
    const far = connect(target, '127.0.0.1');
    sockets.add(far);
    far.once('close', () => sockets.delete(far));
    far.on('error', () => near.destroy());
    const breakBoth = (): void => {
      near.resetAndDestroy();
      far.resetAndDestroy();
    };
    const passed = { up: 0, down: 0 };
    const pass = (way: 'up' | 'down', from: Socket, to: Socket): void => {
      from.on('data', (chunk: Buffer) => {
        if (isSilent) return;
        const cut = cuts.find((one) => one.way === way && passed[way] + chunk.length > one.afterBytes);
        if (cut === undefined) {
          passed[way] += chunk.length;
          seen[way] += chunk.length;
          to.write(chunk);
          return;
        }
        cuts = cuts.filter((one) => one !== cut);
        const part = chunk.subarray(0, Math.max(cut.afterBytes - passed[way], 0));
        if (part.length === 0) breakBoth();
        else to.write(part, breakBoth);
      });
      from.on('end', () => to.end());
      from.on('close', () => to.destroy());
    };
    pass('up', near, far);
    pass('down', far, near);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const own = (server.address() as AddressInfo).port;
  return {
    url: `http://127.0.0.1:${own}`,
    port: own,
    cut: (...more) => void cuts.push(...more),
    left: () => cuts.length,
    mend() {
      cuts = [];
    },
    down(yes) {
      isDown = yes;
      if (yes) for (const socket of sockets) socket.destroy();
    },
    silent(yes) {
      isSilent = yes;
    },
    bytes: () => ({ ...seen }),
    aim(to) {
      target = to;
    },
    async close() {
      const closed = new Promise((done) => server.close(done));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

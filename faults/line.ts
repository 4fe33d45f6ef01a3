/** A line between a program and a server. It can be slow, silent for a while without losing a byte, or cut. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** `silent`: connections stay open and nothing passes, as if a cable were pulled; what was sent arrives afterwards. */
export type LineState = 'whole' | 'silent' | 'cut';

export type Line = {
  readonly port: number;
  set(state: LineState): void;
  /** Delays each piece that passes, in either direction. In milliseconds. */
  delay(ms: number): void;
  close(): Promise<void>;
};

export async function startLine(target: () => number): Promise<Line> {
  const sockets = new Set<Socket>();
  let state: LineState = 'whole';
  let delayMs = 0;
  let speaks = Promise.withResolvers<void>();
  speaks.resolve();

  const pass = (from: Socket, to: Socket): void => {
    let before: Promise<void> = Promise.resolve();
    from.on('data', (piece: Buffer) => {
      const waitMs = delayMs;
      const due = waitMs === 0 ? null : sleep(waitMs);
      before = before.then(async () => {
        await due;
        await speaks.promise;
        if (!to.destroyed) to.write(piece);
      });
    });
    from.once('end', () => void before.then(() => to.end()));
    from.once('close', () => void (state === 'silent' ? before : Promise.resolve()).then(() => to.destroy()));
  };
  const server = createServer((near) => {
    near.on('error', () => {});
    if (state === 'cut') return void near.destroy();
    const far = connect(target(), '127.0.0.1');
    far.on('error', () => near.destroy());
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.once('close', () => sockets.delete(socket));
    }
    pass(near, far);
    pass(far, near);
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));

  const set = (to: LineState): void => {
    if (to === 'silent' && state !== 'silent') speaks = Promise.withResolvers();
    state = to;
    if (to === 'cut') for (const socket of sockets) socket.destroy();
    if (to !== 'silent') speaks.resolve();
  };
  return {
    port: (server.address() as AddressInfo).port,
    set,
    delay(ms) {
      delayMs = ms;
    },
    async close() {
      const closed = new Promise((done) => server.close(done));
      set('cut');
      await closed;
    },
  };
}

// The limits of a connection: an answer that nobody reads, endless requests on one connection, endless connections.
import assert from 'node:assert/strict';
import { connect, type Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { until } from '#test/support/wait.ts';
import { startGateway, type TestGateway } from './support.ts';

describe('connections to the gateway', () => {
  let gateway: TestGateway;
  const open = new Set<Socket>();
  before(async () => {
    gateway = await startGateway({ serve: { sockets: { perAddress: 20, stallMs: 300, underWay: 8 } } });
  });
  after(async () => {
    for (const socket of open) socket.destroy();
    await gateway.close();
  });

  const dial = async (url = gateway.url): Promise<Socket & { readonly ended: Promise<void> }> => {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    open.add(socket);
    socket.on('error', () => undefined);
    const ended = new Promise<void>((resolve) => socket.once('close', () => resolve()));
    await new Promise<void>((resolve) => socket.once('connect', resolve).once('close', () => resolve()));
    return Object.assign(socket, { ended });
  };
  const docs = 'GET /docs/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n';
  const answers = async (): Promise<void> => {
    await until(async () => (await fetch(`${gateway.url}/healthz`).catch(() => null))?.status === 200 || undefined, {
      what: 'the gateway to answer',
    });
  };

  it('one that does not read its answers is closed, even if it keeps sending requests', async () => {
    const patient = await startGateway({ serve: { sockets: { stallMs: 300, underWay: 10_000 } } });
    try {
      const socket = await dial(patient.url);
      // It never reads: neither its own data nor the end of the line arrive, but its writes fail in the end.
      socket.pause();
      socket.write(docs.repeat(80));
      await until(
        () => {
          if (socket.destroyed) return true;
          socket.write('\r\n');
          return undefined;
        },
        { what: 'the line to be cut' },
      );
    } finally {
      await patient.close();
    }
  });

  it('one that takes its answers slowly, but faster than the least rate, gets all of them', async () => {
    const patient = await startGateway({ serve: { sockets: { stallMs: 300, underWay: 10_000 } } });
    try {
      const socket = await dial(patient.url);
      let bytes = 0;
      socket.write(docs.repeat(40));
      socket.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        socket.pause();
        setTimeout(() => socket.resume(), 5);
      });
      await until(() => bytes > 4_000_000 || undefined, { what: 'most of the answers', timeoutMs: 60_000 });
      assert.equal(socket.destroyed, false);
    } finally {
      await patient.close();
    }
  });

  it('one that asks again and again without waiting for answers is ended', async () => {
    const socket = await dial();
    socket.resume();
    socket.write(docs.repeat(1_000));
    await socket.ended;
    await answers();
  });

  it('one that reads its answers is left alone, however often it asks', async () => {
    for (let n = 0; n < 50; n += 1) assert.equal((await fetch(`${gateway.url}/healthz`)).status, 200);
  });

  it('so many of one address are kept, the others refused, and places come free again', async () => {
    const sockets = await Promise.all(Array.from({ length: 60 }, () => dial()));
    let left = 0;
    await until(
      () => {
        left = sockets.filter((socket) => !socket.closed && !socket.destroyed).length;
        return left <= 20 || undefined;
      },
      { what: 'the others to be refused' },
    );
    assert.ok(left > 0, 'all were refused');
    for (const socket of sockets) socket.destroy();
    await answers();
  });
});

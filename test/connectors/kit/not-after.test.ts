import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { after, describe, it } from 'node:test';
import { HelpdeskError } from '#connectors/contract/errors.ts';
import { notAfterIn, ownClocks, startClock, type NotAfter } from '#connectors/contract/not-after.ts';
import { createHttpClient } from '#connectors/kit/http.ts';

describe('until when something may be begun', () => {
  /** Steady clock, wall time. */
  const at = (start: readonly number[]) => {
    let now = start;
    return { clocks: () => now, set: (next: readonly number[]) => void (now = next) };
  };

  it('is over as soon as any clock says so, since the monotonic clock does not advance while a machine sleeps', () => {
    const clock = at([100, 5_000]);
    const notAfter = notAfterIn(1_000, clock.clocks);
    assert.equal(notAfter.leftMs(), 1_000);
    clock.set([101, 5_400]);
    assert.equal(notAfter.leftMs(), 600);
    clock.set([102, 65_000]);
    assert.ok(notAfter.leftMs() <= 0, 'wall time has passed');
    clock.set([1_100, 4_000]);
    assert.ok(notAfter.leftMs() <= 0, 'the steady clock has moved, wall time was put back');
  });

  it('does not become valid again when wall time is set back', () => {
    const clock = at([0, 1_000_000]);
    const notAfter = notAfterIn(1_000, clock.clocks);
    clock.set([400, 10]);
    assert.equal(notAfter.leftMs(), 600);
  });

  it('moves with each of the clocks that are really used', async () => {
    const before = ownClocks();
    const passed = startClock();
    while (performance.now() - (before[0] ?? 0) < 60) await new Promise((resolve) => setImmediate(resolve));
    assert.ok(ownClocks().every((now, index) => now > (before[index] ?? now)));
    assert.ok(passed() >= 50);
  });
});

describe('a request that changes something', () => {
  const closers: (() => unknown)[] = [];
  after(async () => {
    for (const close of closers.reverse()) await close();
  });
  const http = createHttpClient({ allow: { http: true, privateAddresses: true } });
  closers.push(() => http.close());
  const signal = new AbortController().signal;
  /** The bytes of each body that arrived; null if it did not arrive whole. */
  async function desk(): Promise<{ readonly url: string; readonly came: (number | null)[]; readonly server: Server }> {
    const came: (number | null)[] = [];
    const server = createServer((request, response) => {
      let bytes = 0;
      request.on('data', (chunk: Buffer) => (bytes += chunk.length));
      request.on('end', () => {
        came.push(bytes);
        response.end('ok');
      });
      request.on('error', () => came.push(null));
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    closers.push(() => (server.closeAllConnections(), new Promise((done) => server.close(done))));
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, came, server };
  }
  /** Over after this many looks. */
  const looks = (most: number): NotAfter => {
    let left = most;
    return { leftMs: () => (left-- > 0 ? 1_000 : 0) };
  };
  const failed = (promise: Promise<unknown>): Promise<HelpdeskError> =>
    promise.then(
      () => assert.fail('it was sent'),
      (error: unknown) => {
        assert.ok(error instanceof HelpdeskError, String(error));
        return error;
      },
    );

  it('is not sent once its time is over, over a connection that is open or not, and surely not made', async () => {
    const { url, came } = await desk();
    for (const isOpen of [false, true]) {
      if (isOpen) await http.request({ method: 'GET', url, signal });
      came.length = 0;
      for (const method of ['POST', 'PUT', 'PATCH', 'DELETE'] as const) {
        const error = await failed(http.request({ method, url, body: 'x', signal, notAfter: notAfterIn(0) }));
        assert.deepEqual([error.class, error.code], ['retry', 'too-late']);
      }
      const streamed = await failed(
        http.stream({ method: 'POST', url, body: Readable.from(['x']), signal, notAfter: notAfterIn(-5) }),
      );
      assert.deepEqual([streamed.class, streamed.code], ['retry', 'too-late']);
      assert.deepEqual(came, []);
    }
    // The connection is undamaged, and a request without a limit is sent.
    assert.equal((await http.request({ method: 'POST', url, body: 'x', signal, notAfter: null })).status, 200);
    assert.equal(
      (await http.request({ method: 'POST', url, body: 'x', signal, notAfter: notAfterIn(9_000) })).status,
      200,
    );
  });

  it('is sent whole while there is time, whatever its length', async () => {
    const { url, came } = await desk();
    const sizes = [0, 1, 16 * 1024, 16 * 1024 + 1, 300_000];
    for (const size of sizes) {
      const body = 'é'.repeat(size);
      await http.request({ method: 'POST', url, body, signal, notAfter: notAfterIn(9_000) });
      await http.request({ method: 'POST', url, body: Buffer.from(body), signal, notAfter: notAfterIn(9_000) });
    }
    assert.deepEqual(
      came,
      sizes.flatMap((size) => [2 * size, 2 * size]),
    );
  });

  it('does not come whole where its time is over in the middle of its body, and then nobody knows', async () => {
    for (const body of [
      'x'.repeat(400_000),
      Buffer.alloc(400_000),
      Readable.from([Buffer.alloc(9), Buffer.alloc(9)]),
    ]) {
      const { url, came } = await desk();
      const error = await failed(http.request({ method: 'POST', url, body, signal, notAfter: looks(2) }));
      assert.deepEqual([error.class, error.code], ['in-doubt', 'too-late']);
      assert.deepEqual(
        came.filter((bytes) => bytes !== null),
        [],
      );
    }
  });
});

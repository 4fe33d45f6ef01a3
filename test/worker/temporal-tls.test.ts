// Temporal through TLS: proxies before the tests' Temporal, one that requires a certificate from us, one that sees the
// contents.
import assert from 'node:assert/strict';
import {
  connect as connectHttp2,
  createSecureServer,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import { connect as connectSocket, type AddressInfo, type Server } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { createServer as createTlsServer } from 'node:tls';
import { Connection } from '@temporalio/client';
import { NativeConnection } from '@temporalio/worker';
import { configFrom } from '#config/env.ts';
import { temporalConnection } from '#config/temporal-connection.ts';
import { opened, startRig } from '#test/federation/rig.ts';
import { makeAuthority, type Authority, type Pair } from '#test/support/certificates.ts';
import { startProgram } from '#test/support/process.ts';
import { testTemporal } from '#test/support/services.ts';
import { until } from '#test/support/wait.ts';

type Proxy = { readonly address: string; close(): Promise<void> };

const listening = (server: Server | ReturnType<typeof createSecureServer>): Promise<string> =>
  new Promise((done) =>
    server.listen(0, '127.0.0.1', () => done(`127.0.0.1:${(server.address() as AddressInfo).port}`)),
  );

/** Passes on only connections with a certificate that the authority has signed. */
async function demandingProxy(own: Pair, ca: string, target: string): Promise<Proxy & { refused(): number }> {
  const [host, port] = target.split(':');
  let refused = 0;
  const server = createTlsServer(
    { ...own, ca, requestCert: true, rejectUnauthorized: true, ALPNProtocols: ['h2'] },
    (socket) => {
      const through = connectSocket({ host: host ?? '', port: Number(port) });
      socket.on('error', () => through.destroy()).pipe(through);
      through.on('error', () => socket.destroy()).pipe(socket);
    },
  );
  server.on('tlsClientError', () => (refused += 1));
  const address = await listening(server);
  return { address, refused: () => refused, close: () => new Promise((done) => void server.close(() => done())) };
}

/** Terminates TLS and HTTP/2, records what each call carries beside its message, and passes it on. */
async function seeingProxy(own: Pair, target: string): Promise<Proxy & { readonly seen: IncomingHttpHeaders[] }> {
  const seen: IncomingHttpHeaders[] = [];
  const behind = connectHttp2(`http://${target}`);
  behind.on('error', () => undefined);
  const server = createSecureServer({ ...own, allowHTTP1: false });
  server.on('stream', (stream: ServerHttp2Stream, headers) => {
    seen.push(headers);
    const { ':authority': _authority, ':scheme': _scheme, authorization: _authorization, ...rest } = headers;
    const call = behind.request({ ...rest, te: 'trailers' });
    let trailers: IncomingHttpHeaders = {};
    call.on('trailers', (found: IncomingHttpHeaders) => (trailers = found));
    stream.on('wantTrailers', () => stream.sendTrailers(without(trailers)));
    call.on('response', (found) => {
      const { ':status': status, ...others } = found;
      if (!stream.destroyed)
        stream.respond({ ':status': status ?? 200, ...without(others) }, { waitForTrailers: true });
      call.pipe(stream);
    });
    call.on('error', () => stream.destroy());
    stream.on('error', () => call.close()).on('close', () => call.close());
    stream.pipe(call);
  });
  const address = await listening(server);
  return {
    address,
    seen,
    async close() {
      behind.destroy();
      await new Promise<void>((done) => void server.close(() => done()));
    },
  };
}

/** Headers that belong to the other connection are not passed on. */
const without = (headers: IncomingHttpHeaders): IncomingHttpHeaders =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !name.startsWith(':')));

describe('Temporal through TLS', () => {
  let ours: Authority;
  let theirs: Authority;
  let server: Pair;
  let client: Pair;
  let target: string;
  before(async () => {
    [ours, theirs, target] = await Promise.all([makeAuthority(), makeAuthority(), testTemporal()]);
    [server, client] = await Promise.all([ours.sign('temporal', 'DNS:temporal.example'), ours.sign('ferry')]);
  });
  after(() => Promise.all([ours.remove(), theirs.remove()]));

  const settings = (env: Record<string, string>): Parameters<typeof temporalConnection>[0] => {
    const { config, faults } = configFrom({
      DATABASE_URL: 'postgres://u:p@127.0.0.1/x',
      FERRY_SECRET_KEY: Buffer.alloc(32, 7).toString('base64'),
      ...env,
    });
    assert.ok(config, JSON.stringify(faults));
    return config.temporal;
  };
  /** Both clients: that of Node and the worker's own. */
  const reach = async (env: Record<string, string>): Promise<void> => {
    const options = temporalConnection(settings(env));
    const connection = await Connection.connect({ ...options, connectTimeout: 4_000 });
    await connection.close();
    const native = await NativeConnection.connect(options);
    await native.close();
  };
  const named = { TEMPORAL_TLS_SERVER_NAME: 'temporal.example' };

  it('is reached with a certificate of ours by a server that asks for it, and not without', async () => {
    const proxy = await demandingProxy(server, ours.ca, target);
    try {
      const trusted = { TEMPORAL_ADDRESS: proxy.address, TEMPORAL_TLS_CA: ours.ca, ...named };
      await reach({ ...trusted, TEMPORAL_TLS_CERT: client.cert, TEMPORAL_TLS_KEY: client.key });
      await assert.rejects(reach(trusted));
      const { cert, key } = await theirs.sign('ferry');
      await assert.rejects(reach({ ...trusted, TEMPORAL_TLS_CERT: cert, TEMPORAL_TLS_KEY: key }));
      assert.ok(proxy.refused() >= 2);
    } finally {
      await proxy.close();
    }
  });

  it('is not trusted with the certificate of another authority or for another name, nor spoken to in the clear', async () => {
    const proxy = await seeingProxy(server, target);
    try {
      const own = { TEMPORAL_ADDRESS: proxy.address };
      await reach({ ...own, TEMPORAL_TLS_CA: ours.ca, ...named });
      const before = proxy.seen.length;
      assert.ok(before > 0);
      await assert.rejects(reach({ ...own, TEMPORAL_TLS_CA: theirs.ca, ...named }));
      await assert.rejects(reach({ ...own, TEMPORAL_TLS: 'true', ...named }));
      await assert.rejects(reach({ ...own, TEMPORAL_TLS_CA: ours.ca, TEMPORAL_TLS_SERVER_NAME: 'other.example' }));
      assert.equal(proxy.seen.length, before);
    } finally {
      await proxy.close();
    }
  });

  it('is not trusted with a certificate that has ended', async () => {
    const proxy = await seeingProxy(await ours.sign('temporal', 'DNS:temporal.example', -1), target);
    try {
      await assert.rejects(reach({ TEMPORAL_ADDRESS: proxy.address, TEMPORAL_TLS_CA: ours.ca, ...named }));
      assert.equal(proxy.seen.length, 0);
    } finally {
      await proxy.close();
    }
  });

  it('is given the API key with every call, and a worker carries through it', { timeout: 180_000 }, async () => {
    const proxy = await seeingProxy(server, target);
    const rig = await startRig('temporal_tls');
    const secured = {
      TEMPORAL_ADDRESS: proxy.address,
      TEMPORAL_TLS_CA: ours.ca,
      TEMPORAL_API_KEY: 'planted-api-key',
      ...named,
    };
    try {
      const acme = await rig.desk('acme');
      const north = await rig.desk('north');
      await rig.link('acme-north', 'acme', 'north');
      const worker = await rig.spawnWorker({}, '', secured);
      await rig.live();
      const { far } = await opened(acme, north);
      await north.note(far, '<p>through TLS</p>');
      await rig.check();
      assert.ok(proxy.seen.length > 0);
      for (const { authorization } of proxy.seen) assert.equal(authorization, 'Bearer planted-api-key');
      assert.doesNotMatch(worker.output(), /planted-api-key/);
      const healthy = await until(
        async () => {
          const program = await startProgram({
            program: 'worker/healthy.ts',
            args: ['worker'],
            env: { ...rig.env, ...secured },
          });
          const { code } = await program.ended;
          return code === 0 ? true : undefined;
        },
        { what: 'the worker to be healthy', timeoutMs: 60_000 },
      );
      assert.ok(healthy);
    } finally {
      await rig.close();
      await proxy.close();
    }
  });
});

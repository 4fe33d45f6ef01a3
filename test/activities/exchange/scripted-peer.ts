/**
 * Another gateway's API as a sender sees it, over real HTTP, with its memory open to tests. Bodies are validated with
 * the wire schemas. Its next answers can be scripted or lost, and it can be set back in time.
 */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { canonicalConstant } from '#core/log/constant.ts';
import type { ConstantPart } from '#core/words/vocabulary.ts';
import { wireBatch, wireAction, wireReceipts, type WireAction, type WireReceipt, type WireResult } from '#core/wire.ts';

export type Asked = { readonly method: string; readonly path: string; readonly query: string; readonly body: unknown };

/** What it answers instead: a status with a body, or `cut` before or after it has accepted the request. */
export type Answer = {
  readonly status?: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly cut?: 'before' | 'after';
};

export type ScriptedPeer = {
  readonly url: string;
  readonly issuer: string;
  readonly asked: Asked[];
  /** Everything accepted, in order, by lane. */
  readonly taken: Map<string, { id: string; hash: string; seq: number; action: WireAction }[]>;
  readonly receipts: WireReceipt[];
  readonly files: Map<string, Buffer>;
  accepted(mirror: string): number;
  /** Answers to the next requests whose path has this text, one each; null: as usual. */
  script(pathHas: string, ...answers: (Answer | null)[]): void;
  /** Refuses an action by id. */
  readonly refuses: Map<string, { code: string; text: string }>;
  /** Forgets what it accepted of the lane above this seq, as a restored backup does. */
  setBack(mirror: string, seq: number): void;
  state: string;
  biggestFile: number;
  close(): Promise<void>;
};

export async function startPeer(): Promise<ScriptedPeer> {
  const scripts: { pathHas: string; answer: Answer | null }[] = [];
  const lanes = new Map<string, number>();
  const receiptLanes = new Map<string, number>();
  const server = createServer((request, response) => {
    void handle(request, response).catch(() => response.destroy());
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const peer: ScriptedPeer = {
    url,
    issuer: `${url}/i/north`,
    asked: [],
    taken: new Map(),
    receipts: [],
    files: new Map(),
    refuses: new Map(),
    state: 'active',
    biggestFile: 1024 * 1024,
    accepted: (mirror) => lanes.get(mirror) ?? 0,
    script(pathHas, ...answers) {
      for (const answer of answers) scripts.push({ pathHas, answer });
    },
    setBack(mirror, seq) {
      lanes.set(mirror, seq);
      peer.taken.set(
        mirror,
        (peer.taken.get(mirror) ?? []).filter((one) => one.seq <= seq),
      );
    },
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname: path, search: query } = new URL(request.url ?? '', url);
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const bytes = Buffer.concat(chunks);
    const isJson = request.headers['content-type'] === 'application/json';
    const body: unknown = isJson ? JSON.parse(bytes.toString()) : bytes;
    const method = request.method ?? '';
    peer.asked.push({ method, path, query, body: isJson ? body : null });
    const index = scripts.findIndex(({ pathHas }) => `${method} ${path}`.includes(pathHas));
    const answer = index < 0 ? null : (scripts.splice(index, 1)[0]?.answer ?? null);
    if (answer?.cut === 'before') return void request.socket.destroy();
    if (answer?.status !== undefined) return say(response, answer.status, answer.body, answer.headers);
    const [status, usual] = usually(method, path, body, bytes, request);
    if (answer?.cut === 'after') return void request.socket.destroy();
    return say(response, status, usual);
  }

  function usually(
    method: string,
    path: string,
    body: unknown,
    bytes: Buffer,
    request: IncomingMessage,
  ): [number, unknown] {
    if (path === '/v1/link') return [200, link()];
    const file = /^\/v1\/attachments\/([0-9a-f]{64})$/.exec(path)?.[1];
    if (file !== undefined) return putOrHead(method, file, bytes, request);
    if (path === '/v1/supplier/tickets') {
      const action = wireAction.parse((body as { action: unknown }).action);
      return [200, take(action.constant.id, [action])];
    }
    const [, mirror = '', sort] =
      /^\/v1\/(?:customer|supplier)\/tickets\/([^/]+)\/(actions|receipts)$/.exec(path) ?? [];
    if (sort === 'actions') {
      if (!lanes.has(mirror)) return [404, { type: 'urn:ferry:problem:not-found', title: 'There is nothing here' }];
      return [200, take(mirror, wireBatch.parse(body).actions)];
    }
    if (sort === 'receipts') return [200, hear(mirror, wireReceipts.parse(body).receipts)];
    return [404, { type: 'urn:ferry:problem:not-found', title: 'There is nothing here' }];
  }

  function putOrHead(method: string, sha256: string, bytes: Buffer, request: IncomingMessage): [number, unknown] {
    if (method === 'HEAD') return [peer.files.has(sha256) ? 200 : 404, undefined];
    if (bytes.length > peer.biggestFile)
      return [
        422,
        { type: 'urn:ferry:problem:attachment-too-large', title: 'Too large', detail: 'Files may have 1 MB.' },
      ];
    const digest = createHash('sha256').update(bytes);
    const isRight =
      digest.copy().digest('hex') === sha256 && request.headers['content-length'] === String(bytes.length);
    const said = request.headers['content-digest'] === `sha-256=:${digest.digest('base64')}:`;
    if (!isRight || !said) return [400, { type: 'urn:ferry:problem:digest-differs', title: 'Another digest' }];
    peer.files.set(sha256, bytes);
    return [201, {}];
  }

  function take(mirror: string, actions: readonly WireAction[]): unknown {
    const results: WireResult[] = [];
    const known = peer.taken.get(mirror) ?? [];
    peer.taken.set(mirror, known);
    let passed = lanes.get(mirror) ?? 0;
    for (const action of actions) {
      const { id } = action.constant;
      const { seq } = action;
      const hash = createHash('sha256')
        .update(canonicalConstant(action.constant as ConstantPart))
        .digest('hex');
      const before = known.find((one) => one.id === id);
      const accepted = lanes.get(mirror) ?? 0;
      const refused = peer.refuses.get(id);
      if (before !== undefined) {
        results.push(
          before.hash === hash
            ? { id, seq, status: 'duplicate' }
            : { id, seq, status: 'refused', reason: { code: 'constant-differs', text: 'Other contents.' } },
        );
      } else if (refused !== undefined) {
        results.push({ id, seq, status: 'refused', reason: refused });
        passed = Math.max(passed, seq);
      } else if (seq <= accepted && !action.late) {
        results.push({ id, seq, status: 'deferred', reason: { code: 'seq-taken', text: 'Taken.' } });
        break;
      } else if (seq > accepted && action.after > passed) {
        results.push({ id, seq, status: 'deferred', reason: { code: 'gap', text: 'A gap.' }, retryAfterMs: 50 });
        break;
      } else {
        known.push({ id, hash, seq, action });
        lanes.set(mirror, Math.max(accepted, seq));
        passed = Math.max(passed, seq);
        results.push({ id, seq, status: 'accepted' });
      }
    }
    return { results, accepted: lanes.get(mirror) ?? 0 };
  }

  function hear(mirror: string, receipts: readonly WireReceipt[]): unknown {
    const results: WireResult[] = receipts.map(({ action, seq }) => ({ id: action, seq, status: 'accepted' }));
    peer.receipts.push(...receipts);
    receiptLanes.set(mirror, Math.max(receiptLanes.get(mirror) ?? 0, ...receipts.map(({ seq }) => seq)));
    return { results, accepted: receiptLanes.get(mirror) };
  }

  function link(): unknown {
    return {
      link: 'far',
      state: peer.state,
      reason: null,
      contact: null,
      now: new Date().toISOString(),
      fingerprint: 'peer',
      limits: { bodyBytes: 1024 * 1024, attachmentBytes: peer.biggestFile, actionsPerBatch: 50 },
    };
  }
  return peer;
}

function say(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body));
}

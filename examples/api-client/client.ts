// A customer's API client: escalates a ticket, sends a file and an update, reads what the other side sent, and sends receipts for
// it. Node 24, no packages. Needs FERRY (the gateway's public URL), CLIENT_ID and CLIENT_SECRET. TICKET is the client's own
// ticket; by default, each run uses a new one.
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

type Json = Record<string, unknown>;
type Result = {
  readonly id: string;
  readonly status: string;
  readonly reason?: { readonly text: string };
  readonly retryAfterMs?: number;
};
type Answer = { readonly results: readonly Result[]; readonly accepted: number };
type Entry = {
  readonly position: number;
  readonly mirror: string;
  readonly action: { readonly constant: { readonly id: string; readonly note: string | null } } | null;
  readonly receipt: {
    readonly action: string;
    readonly outcome: string;
    readonly ticket: { readonly number: string } | null;
  } | null;
};

type Page = { readonly entries: readonly Entry[]; readonly next: number };

const { FERRY = '', CLIENT_ID = '', CLIENT_SECRET = '', TICKET = String(Date.now()) } = process.env;
if (FERRY === '' || CLIENT_ID === '' || CLIENT_SECRET === '') giveUp('set FERRY, CLIENT_ID and CLIENT_SECRET');

let token: { readonly text: string; readonly until: number } | null = null;

/** Kept until shortly before it expires. */
async function accessToken(): Promise<string> {
  if (token !== null && Date.now() < token.until) return token.text;
  const reply = await fetch(`${FERRY}/oauth/token`, {
    method: 'POST',
    headers: {
      authorization: `Basic ${Buffer.from(`${encodeURIComponent(CLIENT_ID)}:${encodeURIComponent(CLIENT_SECRET)}`).toString('base64')}`,
    },
    body: new URLSearchParams({ grant_type: 'client_credentials' }),
  });
  if (!reply.ok) throw new Error(`no token: ${reply.status}`);
  const { access_token: text, expires_in: seconds } = (await reply.json()) as {
    access_token: string;
    expires_in: number;
  };
  token = { text, until: Date.now() + (seconds - 30) * 1_000 };
  return text;
}

/** Retries, because all requests are idempotent. Only a valid answer counts. */
async function call<Body>(method: string, path: string, body?: Json): Promise<Body> {
  for (let waitMs = 500; ; waitMs = Math.min(waitMs * 2, 60_000)) {
    const reply = await request(method, path, body).catch(() => null);
    if (reply?.ok === true && /^application\/json\b/.test(reply.headers.get('content-type') ?? ''))
      return (await reply.json()) as Body;
    if (reply?.status === 401) token = null;
    else if (reply !== null && reply.status < 500 && reply.status !== 429)
      giveUp(`${method} ${path}: ${reply.status} ${await reply.text()}`);
    const asked = Number(reply?.headers.get('retry-after'));
    await sleep(asked > 0 ? asked * 1_000 : waitMs);
  }
}

async function request(method: string, path: string, body?: Json): Promise<Response> {
  const authorization = `Bearer ${await accessToken()}`;
  const headers = { authorization, ...(body === undefined ? {} : { 'content-type': 'application/json' }) };
  const text = body === undefined ? {} : { body: JSON.stringify(body) };
  return fetch(FERRY + path, { method, redirect: 'error', headers, ...text });
}

async function send(path: string, body: Json): Promise<Result> {
  for (;;) {
    const [result] = (await call<Answer>('POST', path, body)).results;
    if (result === undefined) throw new Error('an answer without a result');
    // A retry would not help: the reason says what a person has to do.
    if (result.status === 'refused') giveUp(`refused: ${result.reason?.text ?? 'no reason was given'}`);
    if (result.status !== 'deferred') return result;
    await sleep(result.retryAfterMs ?? 1_000);
  }
}

/** Puts a file, unless the gateway already shows it to this link. */
async function putFile(bytes: Buffer<ArrayBuffer>): Promise<string> {
  const digest = createHash('sha256').update(bytes).digest();
  const url = `${FERRY}/v1/attachments/${digest.toString('hex')}`;
  const authorization = `Bearer ${await accessToken()}`;
  const there = await fetch(url, { method: 'HEAD', headers: { authorization } });
  if (!there.ok) {
    const put = await fetch(url, {
      method: 'PUT',
      headers: { authorization, 'content-digest': `sha-256=:${digest.toString('base64')}:` },
      body: bytes,
    });
    if (!put.ok) throw new Error(`the file was not accepted: ${put.status} ${await put.text()}`);
  }
  return digest.toString('hex');
}

const { caller: me } = await call<{ readonly caller: string }>('GET', '/v1/instance');
/** A real client stores this with each mirror: the last sent seq, counting actions and receipts together. */
let seq = 0;

function place(): { readonly seq: number; readonly after: number } {
  seq += 1;
  return { seq, after: seq - 1 };
}

function action(id: string, kind: string, note: string, attachments: readonly Json[] = []): Json {
  return {
    ...place(),
    constant: {
      id,
      origin: me,
      author: { name: 'Ann Agent', role: 'agent' },
      at: new Date().toISOString(),
      audience: 'desks',
      note,
      attachments,
    },
    words: { kind, status: 'With supplier', fields: {} },
    via: [me],
    trace: randomBytes(16).toString('hex'),
    ticket: { id: TICKET, number: `#${TICKET}`, url: '', closed: false },
  };
}

function giveUp(why: string): never {
  process.stderr.write(`${why}\n`);
  process.exit(1);
}

function say(step: string, said: Json): void {
  process.stdout.write(`${JSON.stringify({ step, ...said })}\n`);
}

// 1. Escalate. The action's id becomes the id of the mirror; sent again, it is a duplicate.
const mirror = randomUUID();
const escalation = {
  action: {
    ...action(mirror, 'Escalate', '<p>The VPN drops every hour.</p>'),
    escalation: { summary: 'VPN drops every hour' },
  },
};
say('escalated', { result: (await send('/v1/supplier/tickets', escalation)).status });
say('sent again', { result: (await send('/v1/supplier/tickets', escalation)).status });

// 2. A file, then an update that names it.
const log = Buffer.from('tunnel down 09:12\ntunnel up 09:13\n');
const sha256 = await putFile(log);
const file = { id: 'log', name: 'vpn.log', type: 'text/plain', sizeBytes: log.length, inline: false, sha256 };
const update = action(randomUUID(), 'Update', '<p>The log of this morning.</p>', [file]);
say('updated', { result: (await send(`/v1/supplier/tickets/${mirror}/actions`, { actions: [update] })).status });

// 3. Read what the other side sent, and send receipts, until ENTRIES have arrived. A real client also stores the cursor.
let cursor = Number(process.env['CURSOR'] ?? 0);
let missing = Number(process.env['ENTRIES'] ?? 0);
for (;;) {
  const page = await call<Page>('GET', `/v1/supplier/actions?after=${cursor}`);
  if (page.entries.length === 0 && missing <= 0) break;
  if (page.entries.length === 0) await sleep(250);
  for (const entry of page.entries) await read(entry);
  missing -= page.entries.length;
  cursor = page.next;
}
say('arrived', { cursor });

async function read({ position, mirror: on, action: said, receipt }: Entry): Promise<void> {
  say('read', { position, action: said?.constant.note ?? null, receipt: receipt?.outcome ?? null });
  if (said === null || on !== mirror) return;
  const at = new Date().toISOString();
  const told = {
    ...place(),
    action: said.constant.id,
    outcome: 'applied',
    reason: { code: 'applied-as-is', text: 'It is now in our ticket.' },
    ticket: { id: TICKET, number: `#${TICKET}`, url: '', closed: false },
    acceptedAt: at,
    endedAt: at,
  };
  say('told', { result: (await send(`/v1/supplier/tickets/${mirror}/receipts`, { receipts: [told] })).status });
}

import assert from 'node:assert/strict';
import { createCipheriv, createHash, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { twinClient, type AttachmentSeen, type TwinClient } from '#twins/halo/client.ts';
import { acmeNames, acmeSeed } from '#twins/halo/seeds/acme.ts';
import { northwindNames, northwindSeed } from '#twins/halo/seeds/northwind.ts';
import type { HaloSeed } from '#twins/halo/seed.ts';
import { watchedTwin } from '#test/connectors/halo/valid-requests.ts';
import { startProgram, type Program } from '#test/support/process.ts';
import { until } from '#test/support/wait.ts';
import { startDeskRig, type AnyDesk, type DeskRig } from './desk-rig.ts';
import { exampleLinks } from './example-links.ts';

const megabyte = 1024 * 1024;
const hasProc = process.platform === 'linux' ? false : 'memory of another process is read from /proc';

type FarDesk = AnyDesk & { readonly people: TwinClient; readonly url: string };

describe('a file of 200 MB between two Halos', () => {
  let rig: DeskRig;
  let acme: FarDesk;
  let north: FarDesk;
  let worker: Program;
  let ticket: number;
  let far: number;
  before(async () => {
    rig = await startDeskRig('large');
    [acme, north] = await Promise.all([haloProcess('acme', acmeSeed), haloProcess('northwind', northwindSeed)]);
    await rig.apply(await exampleLinks({ customer: acme.id, supplier: north.id, options: { writeTimeoutMs: 10_000 } }));
    worker = await startProgram({
      program: 'worker/main.ts',
      env: rig.env,
      ready: /"ready":true/,
      readyWithinMs: 60_000,
    });
    await rig.live();
    const logged = await acme.people.userTicket(acmeNames.users.priya, {
      summary: 'Dump',
      details: 'x',
      type: 'Incident',
    });
    ticket = logged.id;
    const escalation = {
      outcome: acmeNames.outcomes.escalate,
      supplier: acmeNames.supplier,
      note_html: '<p>See the dump.</p>',
    };
    await acme.people.agentAction(acmeNames.agents.dana, ticket, escalation);
    far = await until(async () => Number((await acme.people.ticket(ticket)).supplier_reference), {
      what: 'the supplier reference',
      timeoutMs: 60_000,
    });
  });
  after(async () => {
    await worker?.stop();
    await rig.close();
  });

  async function haloProcess(id: string, seed: HaloSeed): Promise<FarDesk> {
    const program = await startProgram({
      program: 'twins/halo/main.ts',
      args: ['--seed', id, '--rate-limit', '0', ...watchedTwin],
      ready: /"url":"([^"]+)"/,
    });
    const { url } = JSON.parse(program.stdout()) as { url: string };
    const people = twinClient(url);
    const hookSecret = randomBytes(16).toString('hex');
    const hook = `${rig.gatewayUrl}/hooks/${id}/${hookSecret}`;
    await people.catalogue('webhook', [{ name: 'Ferry', url: hook, active: true, guid: hookSecret, events: [] }]);
    const [application] = seed.applications;
    return rig.add({
      id,
      url,
      people,
      secrets: {
        URL: url,
        CLIENT_ID: application?.client_id ?? '',
        CLIENT_SECRET: application?.client_secret ?? '',
        HOOK_SECRET: hookSecret,
      },
      checked: () => ({ id, tickets: new Map() }),
      close: async () => {
        const { code } = await program.stop();
        assert.equal(code, 0, program.stderr());
      },
    });
  }

  /** An agent attaches a file of this size to an action that is sent; waits until the other desk has it. */
  async function carry(from: FarDesk, to: FarDesk, bytes: number): Promise<void> {
    const [agent, outcome, here, there] =
      from === acme
        ? [acmeNames.agents.dana, acmeNames.outcomes.noteToSupplier, ticket, far]
        : [northwindNames.agents.lena, northwindNames.outcomes.update, far, ticket];
    const filename = `dump-${from.id}-${bytes}.bin`;
    const { id, sha256 } = await upload(from, here, filename, bytes);
    await from.people.agentAction(agent, here, { outcome, note_html: `<p>${filename}</p>`, attachments: [{ id }] });
    const named = async (desk: FarDesk, of: number): Promise<AttachmentSeen | undefined> =>
      (await desk.people.ticket(of)).attachments.find((file) => file.filename === filename && file.action_id > 0);
    const arrived = await until(() => named(to, there), {
      what: `the file at ${to.id}`,
      timeoutMs: 100_000,
      everyMs: 100,
    });
    assert.deepEqual([arrived.filesize, arrived.sha256], [bytes, sha256]);
  }

  it(
    'arrives byte for byte in both directions, and the worker grows by less than 64 MB',
    { skip: hasProc },
    async () => {
      // The cost of a process's first files, at any size, is not part of the measurement.
      await carry(acme, north, 30 * megabyte);
      await carry(north, acme, 30 * megabyte);
      const baseline = await residentBytes(worker.pid);
      let most = baseline;
      const sampling = setInterval(() => {
        residentBytes(worker.pid).then(
          (now) => (most = Math.max(most, now)),
          () => undefined,
        );
      }, 25);
      try {
        await carry(acme, north, 200 * megabyte);
      } finally {
        clearInterval(sampling);
      }
      const grown = Math.round((most - baseline) / megabyte);
      assert.ok(grown < 64, `grew by ${grown} MB`);
    },
  );
});

async function residentBytes(pid: number): Promise<number> {
  const kilobytes = /^VmRSS:\s+(\d+) kB/m.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kilobytes) * 1024;
}

/** Uploads pseudo-random bytes as the desk's own pages do, piece by piece. */
async function upload(
  desk: FarDesk,
  ticketId: number,
  filename: string,
  bytes: number,
): Promise<{ id: number; sha256: string }> {
  const form = {
    grant_type: 'client_credentials',
    client_id: desk.secrets['CLIENT_ID'] ?? '',
    client_secret: desk.secrets['CLIENT_SECRET'] ?? '',
    scope: 'all',
  };
  const signedIn = await fetch(`${desk.url}/auth/token`, { method: 'POST', body: new URLSearchParams(form) });
  const { access_token: token } = (await signedIn.json()) as { access_token: string };
  const hash = createHash('sha256');
  async function* body(): AsyncGenerator<Uint8Array> {
    yield Buffer.from(
      `[{"ticket_id":${ticketId},"filename":"${filename}","content_type":"application/octet-stream","data_base64":"`,
    );
    const cipher = createCipheriv('aes-128-ctr', randomBytes(16), randomBytes(16));
    // A multiple of three, so that pieces of base64 join without padding.
    const zeros = Buffer.alloc(3 * 64 * 1024);
    for (let left = bytes; left > 0; left -= zeros.length) {
      const piece = cipher.update(zeros.subarray(0, Math.min(left, zeros.length)));
      hash.update(piece);
      yield Buffer.from(piece.toString('base64'));
    }
    yield Buffer.from('"}]');
  }
  const reply = await fetch(`${desk.url}/api/Attachment`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: ReadableStream.from(body()) as unknown as RequestInit['body'],
    duplex: 'half',
  } as RequestInit);
  assert.equal(reply.status, 201);
  return { id: ((await reply.json()) as { id: number }).id, sha256: hash.digest('hex') };
}

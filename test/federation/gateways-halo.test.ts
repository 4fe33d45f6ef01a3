import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { sql } from 'drizzle-orm';
import { parse } from 'yaml';
import { rows } from '#db/base/client.ts';
import { acmeSeed } from '#twins/halo/seeds/acme.ts';
import { northwindSeed } from '#twins/halo/seeds/northwind.ts';
import { errorDialogPng } from '#twins/halo/picture.ts';
import { rtSkip } from '#test/real/rt.ts';
import type { SeedField } from '#test/real/rt-plan.ts';
import { checkout } from '#test/support/process.ts';
import { until } from '#test/support/wait.ts';
import { named } from '#test/support/named.ts';
import { allEnded, assertSameLists } from './between.ts';
import { pairDesks, startDeskOrganisation, type DeskOrganisation } from './desk-organisation.ts';
import type { AnyDesk } from './desk-rig.ts';
import { exampleLinks, quickOptions, type LinksFile } from './example-links.ts';
import type { HaloDesk } from './halo-desk.ts';
import {
  acmeNames,
  everythingAt,
  farOf,
  mayWiden,
  northwindNames,
  optionsFor,
  peopleOf,
  pictureIn,
  type PairPeople,
} from './halo-pair.ts';
import { startRtDesk, type RtDesk } from './rt-desk.ts';

const { priya, dana } = { ...acmeNames.users, ...acmeNames.agents };
const picture = errorDialogPng();
const link = 'acme-northwind';

type Two = { readonly acme: DeskOrganisation; readonly north: DeskOrganisation };

/** Everything is done at both: what one has sent has ended once the other's receipt has arrived. */
async function settled({ acme, north }: Two): Promise<void> {
  for (const [id, { rig }] of [
    ['acme', acme],
    ['northwind', north],
    ['acme', acme],
    ['northwind', north],
  ] as const) {
    await rig.settled();
    await allEnded({ id, rig });
  }
}

async function sameLists({ acme, north }: Two): Promise<void> {
  await assertSameLists({ id: 'acme', rig: acme.rig }, { id: 'northwind', rig: north.rig }, link);
}

/** A links file of one's own half: its instance, and its side. */
function halfOf(whole: LinksFile, side: 'customer' | 'supplier'): { readonly instances: object; readonly all: object } {
  const [own, other] = side === 'customer' ? (['acme', 'northwind'] as const) : (['northwind', 'acme'] as const);
  const both = whole.links[link];
  assert.ok(both !== undefined);
  const far = side === 'customer' ? 'supplier' : 'customer';
  const instances = { [own]: whole.instances[own] };
  const profiles = side === 'supplier' ? { profiles: whole.profiles ?? {} } : {};
  return {
    instances: { instances },
    all: { instances, ...profiles, links: { [link]: { mode: 'live', [side]: both[side], [far]: `${other}-peer` } } },
  };
}

/** Both set up their own desk, pair, and write their own settings for the link; neither sees the other's file. */
async function join(two: Two, whole: LinksFile, desks: { readonly acme: AnyDesk; readonly north: AnyDesk }) {
  const [customer, supplier] = [halfOf(whole, 'customer'), halfOf(whole, 'supplier')];
  await Promise.all([
    two.acme.apply(customer.instances, [desks.acme]),
    two.north.apply(supplier.instances, [desks.north]),
    two.acme.rig.startWorker(),
    two.north.rig.startWorker(),
  ]);
  await pairDesks(
    { organisation: two.acme, instance: 'acme' },
    { organisation: two.north, instance: 'northwind' },
    link,
  );
  await Promise.all([two.acme.apply(customer.all, [desks.acme]), two.north.apply(supplier.all, [desks.north])]);
  await Promise.all([two.acme.rig.live(), two.north.rig.live()]);
}

/** Every row of every table. */
async function everythingIn({ rig }: DeskOrganisation): Promise<string> {
  const { db } = rig.connection;
  const tables = await rows<{ name: string }>(
    db,
    sql`select quote_ident(tablename) as name from pg_tables where schemaname = 'public'`,
  );
  const texts = await Promise.all(
    tables.map(async ({ name }) => {
      const [all] = await rows<{ text: string | null }>(
        db,
        sql`select string_agg(t::text, E'\n') as text from ${sql.raw(name)} t`,
      );
      return `${name}\n${all?.text ?? ''}`;
    }),
  );
  return texts.join('\n');
}

for (const profile of ['usual', 'other'] as const)
  describe(`a ticket that Acme escalates to Northwind, each on Halo with a gateway of its own (${profile} answers)`, () => {
    let two: Two;
    let acme: HaloDesk;
    let north: HaloDesk;
    let people: PairPeople;
    let ticket: number;
    let far: number;
    const files = [randomBytes(200_001), randomBytes(17)].map((bytes, index) => ({
      filename: ['Ünïcode & "quotes".bin', 'b.txt'][index] ?? '',
      data_base64: bytes.toString('base64'),
      sha256: createHash('sha256').update(bytes).digest('hex'),
    }));
    before(async () => {
      const started = await Promise.all([
        startDeskOrganisation(`two_acme_${profile}`),
        startDeskOrganisation(`two_north_${profile}`),
      ]);
      two = { acme: started[0], north: started[1] };
      acme = await two.acme.rig.halo('acme', { seed: acmeSeed, profile });
      north = await two.north.rig.halo('northwind', { seed: northwindSeed, profile });
      people = peopleOf(acme, north);
      await join(
        two,
        parse(
          await exampleLinks({ customer: 'acme', supplier: 'northwind', options: optionsFor(profile) }),
        ) as LinksFile,
        {
          acme,
          north,
        },
      );
    });
    after(async () => {
      await two.acme.close();
      await two.north.close();
    });

    it('is linked by files in which each side describes only itself', async () => {
      for (const organisation of [two.acme, two.north]) {
        const { out } = await organisation.ferry(['link', 'status', link]);
        assert.match(out, /acme-northwind: active, live/);
      }
      const own = await rows<{ side: string; settings: string }>(
        two.north.rig.connection.db,
        sql`select side, settings::text from settings where side = ${`${link}/customer`}`,
      );
      assert.ok(own.length > 0 && own.every(({ settings }) => !settings.includes(acmeNames.outcomes.escalate)));
    });

    it('opens nothing at the supplier while it is only logged and triaged', async () => {
      ticket = await people.logged({
        summary: 'VPN drops every hour',
        details_html: '<p>Since Monday. This is what I see:</p><p><img src="cid:vpn.png" alt="VPN error"></p>',
        attachments: [{ filename: 'vpn.png', cid: 'vpn.png', data_base64: picture.toString('base64') }],
      });
      await acme.people.edit(ticket, { priority: acmeNames.priorities.high, category: acmeNames.categories.vpn });
      await people.dana(ticket, acmeNames.outcomes.internalNote, '<p>Triaged: looks like the concentrator.</p>');
      await settled(two);
      assert.equal((await north.people.tickets()).length, 1, 'only the seed');
    });

    it('opens in the supplier’s own words with template, note, description and picture, and mails nobody', async () => {
      await people.escalate(ticket, { note_html: '<p>Can you look at the concentrator?</p>' });
      far = await farOf(acme, ticket);
      const opened = await north.ticket(far);
      assert.deepEqual(
        [opened.summary, opened.tickettype_name, opened.status_name, opened.category_1, opened.priority_name],
        [
          'VPN drops every hour',
          northwindNames.ticketTypes.incident,
          northwindNames.statuses.new,
          northwindNames.categories.remoteAccess,
          northwindNames.priorities.p2,
        ],
      );
      assert.deepEqual(
        [opened.client_name, opened.user_name, opened.user_email],
        [northwindNames.client, 'Dana Reyes', northwindNames.users.dana],
      );
      assert.equal((await acme.ticket(ticket)).status_name, acmeNames.statuses.withSupplier);
      assert.match(opened.details_html, /Dana Reyes asks for your help.*Can you look at the concentrator\?/s);
      assert.match(opened.details_html, /<h4>VPN drops every hour<\/h4>.*Since Monday\. This is what I see:/s);
      const source = /<img[^>]*src="([^"]+)"/.exec(opened.details_html)?.[1] ?? '';
      assert.ok(source.startsWith(north.url), `the picture's source is Northwind's own: ${source}`);
      const copy = pictureIn(opened.details_html, opened);
      assert.equal(copy?.sha256, createHash('sha256').update(picture).digest('hex'));
      assert.doesNotMatch(opened.details_html, new RegExp(acme.url), 'no address of the other desk');
      assert.deepEqual(await north.people.outbox(far), []);
    });

    it('carries notes both ways by “name (organisation)”, not in the portal', async () => {
      await people.lena(far, northwindNames.outcomes.update, '<p>We are on it, firmware is old.</p>');
      const note = await acme.note(ticket, 'firmware is old');
      assert.deepEqual(
        [note.who, note.outcome, note.hiddenfromuser],
        ['Lena Voss (Northwind)', acmeNames.outcomes.internalNote, true],
      );
      assert.deepEqual((await acme.people.portalTicket(priya, ticket)).actions, []);
      await people.dana(ticket, acmeNames.outcomes.noteToSupplier, '<p>You may restart it after six.</p>');
      const there = await north.note(far, 'restart it after six');
      assert.deepEqual([there.who, there.outcome], ['Dana Reyes (Acme)', northwindNames.outcomes.internalNote]);
    });

    it('sends the end user one mail for an indirect e-mail, from the customer’s desk only', async () => {
      await people.lena(far, northwindNames.outcomes.indirectEmail, '<p>Please restart your laptop.</p>');
      const shown = await acme.note(ticket, 'restart your laptop');
      assert.equal(shown.outcome, acmeNames.outcomes.emailUser);
      await settled(two);
      const mails = await acme.people.outbox(ticket);
      assert.equal(mails.length, 1);
      const [mail] = mails;
      assert.deepEqual([mail?.from, mail?.to, mail?.template], ['helpdesk@acme.example', priya, 'Email User']);
      assert.match(mail?.body_html ?? '', /Hello Priya Nair,.*Please restart your laptop\..*Acme IT Helpdesk/s);
      assert.deepEqual(await north.people.outbox(), []);
    });

    it('brings the end user’s own reply in the portal to the supplier', async () => {
      await acme.people.userReply(priya, ticket, { note_html: '<p>Restarted, no change.</p>' });
      const note = await north.note(far, 'Restarted, no change');
      assert.equal(note.who, 'End user (Acme)');
      assert.deepEqual(await north.people.outbox(), []);
    });

    it('brings files both ways, byte for byte, to the note they belong to', async () => {
      await people.dana(ticket, acmeNames.outcomes.noteToSupplier, '<p>Logs from here.</p>', { attachments: files });
      await north.note(far, 'Logs from here');
      await people.lena(far, northwindNames.outcomes.update, '<p>Logs from there.</p>', { attachments: files });
      const wanted = files.map(({ sha256 }) => sha256).toSorted();
      for (const [desk, id, text] of [
        [north, far, 'Logs from here'],
        [acme, ticket, 'Logs from there'],
      ] as const) {
        const note = await desk.note(id, text);
        const seen = await desk.shows(id, 'the files', (now) => {
          const of = now.attachments.filter((one) => one.action_id === note.id);
          return of.length === wanted.length && of;
        });
        assert.deepEqual(seen.map(({ sha256 }) => String(sha256)).toSorted(), wanted);
      }
    });

    it('closes both tickets in their own words when the supplier resolves, with exactly one closure mail', async () => {
      await people.lena(far, northwindNames.outcomes.resolve, '<p>Firmware updated, it holds.</p>');
      await acme.shows(ticket, 'the status Resolved', (seen) => seen.status_name === acmeNames.statuses.resolved);
      await settled(two);
      assert.equal((await north.ticket(far)).status_name, northwindNames.statuses.done);
      const closures = (await acme.people.outbox(ticket)).filter(({ template }) => template === 'Closure Confirmation');
      assert.equal(closures.length, 1);
      assert.match(closures[0]?.body_html ?? '', /Firmware updated, it holds\./);
      assert.deepEqual(await north.people.outbox(), []);
      assert.equal((await two.acme.rig.trace('acme', ticket)).mirrors[0]?.state, 'closed');
      assert.equal((await two.north.rig.trace('northwind', far)).mirrors[0]?.state, 'closed');
    });

    it('shows the end user in the portal what was public and nothing else', async () => {
      const portal = await acme.people.portalTicket(priya, ticket);
      assert.deepEqual(
        portal.actions.map(({ outcome }) => outcome),
        [acmeNames.outcomes.emailUser, acmeNames.outcomes.userReply, acmeNames.outcomes.resolve],
      );
      assert.equal(portal.status, acmeNames.statuses.resolved);
      assert.doesNotMatch(
        JSON.stringify(portal),
        /concentrator|firmware is old|after six|Logs from|Escalate|did not arrive/,
      );
    });

    it('never lets the end user’s name or address reach the supplier, neither its desk nor its database nor its logs', async () => {
      const [desk, database] = await Promise.all([everythingAt(north), everythingIn(two.north)]);
      assert.match(desk, /Firmware updated/);
      assert.match(database, /Firmware updated/);
      for (const text of [desk, database, two.north.rig.log()]) assert.doesNotMatch(text, named('priya', 'nair'));
    });

    it('shows the far half in the trace of either side, with one trace id for both', async () => {
      const own = await two.acme.ferry(['trace', 'acme', String(ticket)]);
      assert.match(own.out, /there \(acme-northwind\): received \d\d:\d\d:\d\d.*ended \d\d:\d\d:\d\d/);
      const there = await two.north.ferry(['trace', 'northwind', String(far)]);
      assert.match(there.out, /there \(acme-northwind\): received/);
      const traces = async ({ rig }: DeskOrganisation, instance: string, id: number) =>
        new Map((await rig.trace(instance, id)).entries.map(({ action, trace }) => [action, trace]));
      const [here, beyond] = await Promise.all([traces(two.acme, 'acme', ticket), traces(two.north, 'northwind', far)]);
      const shared = [...here].filter(([action]) => action !== undefined && beyond.has(action));
      assert.ok(shared.length >= 7, `${shared.length} actions that both know`);
      for (const [action, trace] of shared) assert.equal(beyond.get(action), trace);
    });

    it('proves who wrote what at both sides, offline too', async () => {
      for (const [organisation, instance, id, origin] of [
        [two.acme, 'acme', ticket, two.north.line.url],
        [two.north, 'northwind', far, two.acme.line.url],
      ] as const) {
        for (const more of [[], ['--offline']]) {
          const { out } = await organisation.ferry(['verify', instance, String(id), ...more]);
          assert.match(out, new RegExp(`${origin}/i/`));
        }
      }
    });

    it('keeps every invariant at both and between them, and no secret and no note in a log', async () => {
      await settled(two);
      await two.acme.rig.check({ mayWiden });
      await two.north.rig.check({ mayWiden });
      await sameLists(two);
      for (const { rig } of [two.acme, two.north])
        assert.doesNotMatch(rig.log(), /demo-secret|ferry_[\w-]{20}|concentrator|firmware|restart|priya/i);
    });
  });

const rtFields: readonly SeedField[] = [
  { name: 'Impact', type: 'SelectSingle', options: ['Minor', 'Major'] },
  { name: 'Service', type: 'SelectSingle', options: ['Connectivity', 'Devices'] },
  { name: 'Client due', type: 'Date' },
  { name: 'Work begins', type: 'DateTime' },
  { name: 'Serial', type: 'FreeformSingle' },
];

for (const profile of ['usual', 'other'] as const)
  describe(`a Halo and a real Request Tracker with a gateway each (${profile} answers)`, { skip: rtSkip }, () => {
    let two: Two;
    let acme: HaloDesk;
    let north: RtDesk;
    let ticket: number;
    let far: string;
    before(async () => {
      const started = await Promise.all([
        startDeskOrganisation(`rt_acme_${profile}`),
        startDeskOrganisation(`rt_north_${profile}`),
      ]);
      two = { acme: started[0], north: started[1] };
      [acme, north] = await Promise.all([
        two.acme.rig.halo('acme', { seed: acmeSeed, profile }),
        startRtDesk(two.north.rig, 'northwind', {
          name: 'northwind.example',
          queue: 'Acme',
          agents: [
            { name: 'nora', realName: 'Nora Nord' },
            { name: 'nils', realName: 'Nils Nord' },
          ],
          customFields: rtFields,
        }),
      ]);
      const whole = parse(await readFile(`${checkout}examples/halo-to-rt.yaml`, 'utf8')) as LinksFile;
      assert.ok(whole.instances['acme'] !== undefined && whole.instances['northwind'] !== undefined);
      whole.instances['acme']['options'] = { ...quickOptions, ...optionsFor(profile) };
      const rtOptions = { settleMs: 2_000, overlapMs: 5_000, writeTimeoutMs: 20_000 };
      whole.instances['northwind']['options'] = { ...rtOptions, queues: ['Acme', 'Support'], categoryField: 'Service' };
      await join(two, whole, { acme, north });
      // RT stores seconds, so what is done in the second of the go-live counts as before it.
      const second = Math.floor(Date.now() / 1_000);
      await until(() => Math.floor(Date.now() / 1_000) > second, { what: 'the next second' });
    });
    after(async () => {
      await two.acme.close();
      await two.north.close();
    });
    const act = (outcome: string, note: string, more: object = {}): Promise<unknown> =>
      acme.people.agentAction(dana, ticket, { outcome, note_html: note, ...more });

    it('open the ticket in RT’s words, requested by the escalating agent, with its picture', async () => {
      const made = await acme.people.userTicket(priya, {
        summary: 'VPN drops every hour',
        details_html: '<p>Since <b>Monday</b>:</p><p><img src="cid:vpn.png"></p>',
        type: 'Incident',
        attachments: [{ filename: 'vpn.png', cid: 'vpn.png', data_base64: picture.toString('base64') }],
      });
      ticket = made.id;
      await acme.people.edit(ticket, { category: acmeNames.categories.wifi });
      await act(acmeNames.outcomes.escalate, '<p>Please look at the concentrator.</p>', {
        supplier: acmeNames.supplier,
      });
      far = await acme.shows(ticket, 'the reference', (seen) => /^#(\d+)$/.exec(seen.supplier_reference)?.[1], 60_000);
      const opened = north.ticket(far);
      assert.deepEqual(
        [opened.subject, opened.status, opened.queue, opened.fields['Service'], opened.requestors],
        ['VPN drops every hour', 'new', 'Acme', 'Connectivity', ['dana.reyes@acme.example']],
      );
      assert.match(opened.done[0]?.text ?? '', /Dana Reyes \(Acme\).*Please look at the concentrator\./s);
      const digest = createHash('sha256').update(picture).digest('hex');
      assert.ok(opened.done.some((one) => one.files.some((file) => file.sha256 === digest)));
      assert.deepEqual(await north.rt.outbox(), []);
    });

    it('carry notes, statuses and files both ways', async () => {
      const bytes = randomBytes(100_003);
      const sha256 = createHash('sha256').update(bytes).digest('hex');
      await north.change(far, { Status: 'stalled' });
      await acme.shows(ticket, 'the status', (now) => now.status_name === 'In Progress', 60_000);
      await north.reply(far, '<p>Log from RT.</p>', {
        Attachments: [
          { FileName: 'rt.bin', FileType: 'application/octet-stream', FileContent: bytes.toString('base64') },
        ],
      });
      const note = await acme.note(ticket, 'Log from RT', 60_000);
      assert.deepEqual([note.who, note.hiddenfromuser], ['Nora Nord (Northwind)', true]);
      await acme.shows(ticket, 'the file', (now) => now.attachments.some((file) => file.sha256 === sha256), 60_000);
      await act(acmeNames.outcomes.noteToSupplier, '<p>Log from Halo.</p>', {
        status: acmeNames.statuses.waitingOnUser,
        attachments: [{ filename: 'halo.bin', data_base64: bytes.toString('base64') }],
      });
      assert.deepEqual(
        (await north.note(far, 'Log from Halo')).files.map((file) => [file.name, file.sha256]),
        [['halo.bin', sha256]],
      );
      await north.shows(far, 'the status', ({ status }) => status === 'stalled');
    });

    it('close both when RT resolves', async () => {
      await north.change(far, { Status: 'resolved' });
      await acme.shows(ticket, 'the status', (now) => now.status_name === acmeNames.statuses.resolved, 60_000);
      await settled(two);
      assert.equal((await two.acme.rig.trace('acme', ticket)).mirrors[0]?.state, 'closed');
      assert.equal((await two.north.rig.trace('northwind', far)).mirrors[0]?.state, 'closed');
      assert.doesNotMatch(JSON.stringify(north.database.tickets()), named('priya', 'nair'));
    });

    it('keep every invariant at both and between them', async () => {
      await two.acme.rig.check();
      await two.north.rig.check();
      await sameLists(two);
    });
  });

/** `ferry check` at a Halo: a right set-up is found right, and each wrong one is found by the probe that is about it. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createCheck, createHelpdesk } from '#connectors/halo/index.ts';
import type { Finding, Mapped } from '#connectors/contract/check.ts';
import type { ConnectorContext } from '#connectors/contract/helpdesk.ts';
import { createHttpClient } from '#connectors/kit/http.ts';
import { isBad, reportOf } from '#operate/check/check.ts';
import { factsOf } from '#operate/check/learned.ts';
import { twinClient } from '#twins/halo/client.ts';
import { errorDialogPng } from '#twins/halo/picture.ts';
import { profileOf, profiles } from '#twins/halo/profiles.ts';
import type { Profile } from '#twins/halo/profiles.ts';
import type { Application } from '#twins/halo/seed.ts';
import { acmeNames, acmeSeed } from '#twins/halo/seeds/acme.ts';
import { createHaloTwin } from '#twins/halo/server.ts';
import { longEnough, newTrial } from '#test/connectors/bench.ts';
import { startProgram, type Program } from '#test/support/process.ts';
import { tempDir } from '#test/support/temp.ts';
import { until } from '#test/support/wait.ts';
import { createRequestCheck, watchedTwin } from './valid-requests.ts';

const http = createHttpClient({ allow: { http: true, privateAddresses: ['127.0.0.0/8'] } });
const closing: (() => Promise<void>)[] = [];
after(async () => {
  for (const close of closing) await close();
  await http.close();
});

const mapped: Mapped = {
  accounts: ['Acme', 'Northwind MSP'],
  types: [{ name: acmeNames.ticketTypes.incident, fields: [], own: [] }],
  tickets: ['1001'],
};
const closedStatuses = acmeSeed.statuses.filter(({ closed }) => closed).map(({ name }) => name);

type Desk = {
  readonly client: ReturnType<typeof twinClient>;
  readonly context: ConnectorContext;
  /** On a ticket, and cleans up after it; `stop` ends it after the probe of that name. */
  trial(ticket: string, stop?: string): Promise<readonly Finding[]>;
  check(asked?: Mapped, over?: Partial<ConnectorContext>): Promise<readonly Finding[]>;
};

async function startDesk(profile: Profile, application: Partial<Application> = {}): Promise<Desk> {
  const [seeded] = acmeSeed.applications;
  assert.ok(seeded);
  const requests = createRequestCheck();
  const applications = [{ ...seeded, ...application }];
  const twin = await createHaloTwin({ seed: acmeSeed, profile, applications, watch: requests.watch });
  closing.push(async () => {
    await twin.close();
    requests.assertValid();
  });
  return filled(twin.url, profile);
}

/** With more tickets than fit a page, one of them with a file and a picture that is not from the seed. */
async function filled(url: string, profile: Profile): Promise<Desk> {
  const [seeded] = acmeSeed.applications;
  assert.ok(seeded);
  const client = twinClient(url);
  for (let number = 0; number < profile.pageCap + 5; number++)
    await client.userTicket(acmeNames.users.priya, { summary: `Ticket ${number}`, details_html: '<p>Please help</p>' });
  const data_base64 = errorDialogPng().toString('base64');
  const { id } = await client.userTicket(acmeNames.users.priya, {
    summary: 'With a file and a picture',
    details_html: '<p>See <img src="cid:dialog.png"></p>',
    attachments: [{ filename: 'dialog.png', content_type: 'image/png', cid: 'dialog.png', data_base64 }],
  });
  await client.userReply(acmeNames.users.priya, id, {
    note_html: '<p>And the log</p>',
    attachments: [
      { filename: 'photo.png', content_type: 'image/png', data_base64 },
      { filename: 'log.txt', content_type: 'text/plain', data_base64: Buffer.from('x').toString('base64') },
    ],
  });
  const gone = await client.userTicket(acmeNames.users.priya, { summary: 'To be deleted', details_html: '<p>x</p>' });
  await client.remove(gone.id);

  const areas = { id: 206, name: 'CFareas', label: 'Areas', kind: 'multiselect', values: [{ id: 1, name: 'Floor' }] };
  await client.catalogue('fieldinfo', [areas]);
  await client.edit(id, { fields: { CFareas: ['Floor'] } });
  // An old one changes last, also where two requests fit into one of the milliseconds that Halo counts.
  const before = Date.now();
  await until(() => Date.now() > before, { what: 'the next millisecond', everyMs: 1 });
  await client.edit(1001, { supplier: 'Northwind MSP', fields: { CFareas: ['Floor'] } });
  const context: ConnectorContext = {
    instance: 'acme',
    url,
    credentials: { clientId: seeded.client_id, clientSecret: seeded.client_secret },
    options: profile.excludesClosed ? {} : { closedStatuses },
    take: async () => undefined,
    http,
  };
  return {
    client,
    context,
    async trial(ticketId, stop) {
      const { probes, verdictOf, cleanUp } = createCheck(context, mapped, newTrial(ticketId, createHelpdesk));
      const found: Finding[] = [];
      for (const { name, about, run } of probes.slice(probes.findIndex((one) => one.name === 'ticket for the trial'))) {
        const outcome = await run(longEnough()).catch(verdictOf);
        found.push({ name, ...(about === undefined ? {} : { about }), ...outcome });
        if (name === stop) break;
      }
      const cleaned = await cleanUp(longEnough());
      return cleaned === null ? found : [...found, { name: 'clean up', ...cleaned }];
    },
    async check(asked = mapped, over = {}) {
      const { probes, verdictOf } = createCheck({ ...context, ...over }, asked);
      const found: Finding[] = [];
      for (const { name, about, run } of probes) {
        const outcome = await run(longEnough()).catch(verdictOf);
        found.push({ name, ...(about === undefined ? {} : { about }), ...outcome });
      }
      return found;
    },
  };
}

function about(findings: readonly Finding[]): readonly string[] {
  return findings.map(
    ({ name, about: which, verdict }) => `${verdict}: ${name}${which === undefined ? '' : ` ${which}`}`,
  );
}

for (const profile of [profiles.usual, profiles.other]) {
  test(`a Halo that is set up as the page says is found right in about forty requests (${profile.name} answers)`, async () => {
    const desk = await startDesk(profile);
    await desk.client.clearRequests();
    const found = await desk.check();
    assert.deepEqual(about(found.filter(({ verdict }) => verdict !== 'ok')), [], JSON.stringify(found, null, 1));
    const { total } = await desk.client.requests();
    assert.ok(total <= 45, `${total} requests`);
    const { facts } = reportOf('halo', found);
    const { pageCap, fixedPage, countsAll, agents, zone, digits, ordersByChange, excludesClosed } = profile;
    const { files, options, deleted, changedBy, loggedBy } = profile;
    const lists = { pageCap, fixedPage, countsAll, agents, zone, digits, ordersByChange, excludesClosed };
    assert.deepEqual(facts, { ...lists, files, options, deleted, changedBy, loggedBy });
  });
}

test('a twin that replays a report answers as the desk that the report is from, and the report names nobody', async () => {
  const report = reportOf('halo', await (await startDesk(profiles.other)).check());
  for (const name of ['Acme', 'Northwind', 'Incident', 'Priya', '1001'])
    assert.ok(!JSON.stringify(report).includes(name), name);
  const replayed = await startDesk(profileOf('replayed', report.facts));
  assert.deepEqual(reportOf('halo', await replayed.check()), report);
});

test('a twin as a process replays a report, and says what is wrong with an invalid file', async () => {
  const report = reportOf('halo', await (await startDesk(profiles.other)).check());
  const dir = await tempDir();
  const file = join(dir.path, 'report.json');
  const start = (ready?: RegExp): Promise<Program> =>
    startProgram({
      program: 'twins/halo/main.ts',
      args: ['--seed', 'acme', '--rate-limit', '0', '--report', file, ...watchedTwin],
      ...(ready === undefined ? {} : { ready }),
    });
  try {
    await writeFile(file, `${JSON.stringify(report)}\n`);
    const twin = await start(/"url"/);
    try {
      const { url } = JSON.parse(twin.stdout()) as { url: string };
      const replayed = await filled(url, profileOf('replayed', report.facts));
      assert.deepEqual(reportOf('halo', await replayed.check()), report);
    } finally {
      const { code } = await twin.stop();
      assert.equal(code, 0, twin.stderr());
    }
    for (const [text, why] of [
      ['no JSON', /JSON/],
      ['{"type": "rt", "facts": {}}', /not about a Halo/],
      ['{"type": "halo"}', /no facts/],
    ] as const) {
      await writeFile(file, text);
      const refused = await start();
      assert.equal((await refused.ended).code, 2);
      assert.match(refused.stderr(), why);
      assert.match(refused.stderr(), /report\.json is not a report of ferry check/);
    }
  } finally {
    await dir.remove();
  }
});

const wrong: readonly {
  readonly what: string;
  readonly found: readonly string[];
  readonly run: () => Promise<readonly Finding[]>;
}[] = [
  {
    what: 'a scope that is missing',
    found: [
      'not-allowed: scope read:suppliers',
      'not-allowed: list suppliers',
      'not-allowed: mapped account Northwind MSP',
    ],
    run: async () =>
      (await startDesk(profiles.usual, { scopes: ['edit:tickets', 'read:customers', 'all:teams'] })).check(),
  },
  {
    what: 'a scope that is missing where Halo answers 401',
    found: [
      'not-allowed: scope read:suppliers',
      'not-allowed: list suppliers',
      'not-allowed: mapped account Northwind MSP',
    ],
    run: async () =>
      (await startDesk(profiles.other, { scopes: ['edit:tickets', 'read:customers', 'all:teams'] })).check(),
  },
  {
    what: 'an agent that may not see the customer',
    found: ['not-allowed: mirrored ticket 1001'],
    run: async () => {
      const desk = await startDesk(profiles.usual);
      await desk.client.catalogue('agent', [{ id: 3, clients: [999] }]);
      return desk.check();
    },
  },
  {
    what: 'an account that is called otherwise',
    found: ['differs: mapped account Northwind MPS'],
    run: async () => (await startDesk(profiles.usual)).check({ ...mapped, accounts: ['Northwind MPS'] }),
  },
  {
    what: 'a mandatory field that no row fills',
    found: ['differs: mandatory fields Incident'],
    run: async () => {
      const desk = await startDesk(profiles.usual);
      const [type] = acmeSeed.ticketTypes;
      await desk.client.catalogue('tickettype', [{ id: type?.id, mandatory: [acmeNames.fields.service] }]);
      return desk.check();
    },
  },
  {
    what: 'a mandatory category that nothing maps',
    found: ['differs: mandatory fields Incident'],
    run: async () => {
      const desk = await startDesk(profiles.other);
      const [type] = acmeSeed.ticketTypes;
      await desk.client.catalogue('tickettype', [{ id: type?.id, mandatory: ['category_1'] }]);
      const [one] = mapped.types;
      assert.ok(one !== undefined);
      assert.deepEqual(
        (await desk.check({ ...mapped, types: [{ ...one, own: ['category'] }] })).filter(isBad),
        [],
        'where categories are mapped nothing is wrong',
      );
      return desk.check();
    },
  },
  {
    what: 'pages that are too small',
    found: ['differs: page size'],
    run: async () => (await startDesk({ ...profiles.usual, pageCap: 20 })).check(),
  },
  {
    what: 'closed statuses that nothing tells',
    found: ['differs: closed statuses'],
    run: async () => (await startDesk(profiles.other)).check(mapped, { options: {} }),
  },
  {
    what: 'an agent that the option names wrongly',
    found: ['differs: own agent'],
    run: async () => (await startDesk(profiles.usual)).check(mapped, { options: { agentId: 4711 } }),
  },
];

for (const { what, found, run } of wrong) {
  test(`the check finds ${what}, and nothing else`, async () => {
    const findings = await run();
    assert.deepEqual(about(findings.filter(isBad)), found, JSON.stringify(findings, null, 1));
    for (const one of findings.filter(isBad)) assert.ok(one.fix !== undefined || one.saw !== undefined, one.name);
  });
}

test('with a wrong secret the address and the clock still pass, and the secret appears nowhere', async () => {
  const desk = await startDesk({ ...profiles.usual, pageCap: 3 });
  const clientId = acmeSeed.applications[0]?.client_id ?? '';
  const findings = await desk.check(mapped, { credentials: { clientId, clientSecret: 'planted-secret' } });
  const of = (name: string): string | undefined => findings.find((one) => one.name === name)?.verdict;
  assert.deepEqual(['address', 'clock', 'token', 'newest ticket', 'limits'].map(of), [
    'ok',
    'ok',
    'not-allowed',
    'not-allowed',
    'ok',
  ]);
  assert.ok(!JSON.stringify(findings).includes('planted-secret'));
});

test('a request that fails stops no other, and a row of another shape is named by its place', async () => {
  const desk = await startDesk(profiles.usual);
  await desk.client.fault({ kind: 'status', status: 500, match: { path: '^/api/priority', times: 0 } });
  await desk.client.catalogue('outcome', [{ id: 998, outcome: { text: 'an object' } }]);
  const findings = await desk.check();
  const list = (which: string): Finding | undefined =>
    findings.find((one) => one.name === 'list' && one.about === which);
  assert.equal(list('priorities')?.verdict, 'unknown');
  assert.equal(list('action kinds')?.verdict, 'differs');
  assert.equal(list('action kinds')?.where, 'outcomes[].outcome');
  assert.equal(list('tickets')?.verdict, 'ok');
  assert.equal(findings.at(-1)?.name, 'limits');
});

test('a Halo that refuses a request as too many is found to, and the limit that it names is kept to from then on', async () => {
  const desk = await startDesk({ ...profiles.usual, pageCap: 30, requestLimit: 700 });
  assert.deepEqual(createHelpdesk(desk.context).traits.rate, { requests: 300, windowMs: 300_000 });
  await desk.client.fault({ kind: '429', retryAfter: 1, match: { path: '^/api/team', times: 1 } });
  const findings = await desk.check();
  const limits = findings.find(({ name }) => name === 'limits');
  assert.deepEqual([limits?.verdict, limits?.facts], ['differs', { requestLimit: 700 }]);
  const learned = factsOf(findings);
  assert.deepEqual(createHelpdesk({ ...desk.context, learned }).traits.rate, { requests: 700, windowMs: 300_000 });
  const rate = { requests: 50, windowMs: 60_000 };
  const said = createHelpdesk({ ...desk.context, options: { rate }, learned });
  assert.deepEqual(said.traits.rate, rate, 'an option wins');
});

test('a request that is refused as too many while Ferry works teaches the limit too', async () => {
  const desk = await startDesk({ ...profiles.usual, pageCap: 3 });
  const told: unknown[] = [];
  const helpdesk = createHelpdesk({ ...desk.context, learn: (facts) => void told.push(facts) });
  await desk.client.fault({ kind: '429', match: { path: '^/api/tickets', times: 1 } });
  await assert.rejects(helpdesk.ping(longEnough()), { class: 'slow-down' });
  await helpdesk.ping(longEnough());
  assert.deepEqual(told, [{ requestLimit: 300 }]);
});

/** What an agent sees of a ticket, without times. */
async function seenOf(desk: Desk, id: number): Promise<unknown> {
  const { actions, summary, status_id, customfields, attachments, ...rest } = (await desk.client.ticket(
    id,
  )) as unknown as Record<string, unknown>;
  // Pictures of notes are no rows of lists, and can't be deleted; the clean-up says so.
  const files = (attachments as readonly { guid?: string }[]).filter(({ guid }) => guid === undefined);
  return { actions, summary, status_id, customfields, files, priority: rest['priority_id'] };
}

for (const profile of [profiles.usual, profiles.other]) {
  test(`a trial tries everything that Ferry writes, and nothing of it is left (${profile.name} answers)`, async () => {
    const desk = await startDesk({ ...profile, pageCap: 50 });
    const before = await seenOf(desk, 1002);
    const found = await desk.trial('1002');
    assert.deepEqual(about(found.filter(({ verdict }) => verdict !== 'ok')), [], JSON.stringify(found, null, 1));
    for (const name of ['doubled marker', 'write a picture', 'write a status', 'write a field', 'size of notes'])
      assert.ok(
        found.some((one) => one.name === name),
        name,
      );
    assert.match(found.at(-1)?.saw ?? '', /pictures .* no way to delete/);
    assert.deepEqual(await seenOf(desk, 1002), before);
    assert.deepEqual(await desk.client.outbox(1002), []);
    const { facts } = reportOf('halo', found);
    const { posted, cleansHtml, keepsMarker, refusesDoubles } = profile;
    assert.deepEqual(
      { ...facts, cleaned: undefined },
      {
        posted,
        cleansHtml,
        keepsMarker,
        refusesDoubles,
        noteDelayMs: 1_000,
        placesPictures: true,
        editsNotes: true,
        mailsByItself: false,
        actsByItself: false,
        cleaned: undefined,
      },
    );
    assert.equal(factsOf(found)['applicationId'], 'Ferry');
    assert.ok(!JSON.stringify(facts).includes('Ferry'));
  });
}

test('a trial finds what this Halo does otherwise: a marker that is lost, notes that show late, limits of size', async () => {
  const odd: Profile = {
    ...profiles.usual,
    keepsMarker: false,
    noteDelayMs: 2_000,
    noteMaxBytes: 100_000,
    fileMaxBytes: 2_000_000,
    subjectMaxLength: 130,
  };
  const desk = await startDesk(odd);
  const found = await desk.trial('1002');
  const { facts } = reportOf('halo', found);
  const sizes = JSON.stringify(found.filter(({ verdict }) => verdict !== 'ok'));
  assert.equal(facts['keepsMarker'], false, sizes);
  assert.equal(facts['noteDelayMs'], 2_000);
  assert.equal(facts['noteMaxBytes'], 64 * 1024);
  assert.equal(facts['fileMaxBytes'], 1024 * 1024, sizes);
  assert.equal(facts['subjectMaxLength'], 120);
  const { traits } = createHelpdesk({ ...desk.context, learned: factsOf(found) });
  assert.equal(traits.noteMaxBytes, 64 * 1024);
  assert.deepEqual(traits.limits?.subject, { most: 120, unit: 'characters' });
  assert.equal(traits.limits?.fileBytes, 1024 * 1024);
  assert.ok(traits.settleMs > 5_000);
  const said = createHelpdesk({ ...desk.context, options: { noteMaxBytes: 5_000 }, learned: factsOf(found) });
  assert.equal(said.traits.noteMaxBytes, 5_000);
});

for (const stop of ['write a note', 'doubled marker', 'write a status', 'size of files']) {
  test(`a trial that ends after "${stop}" leaves nothing either`, async () => {
    const desk = await startDesk({ ...profiles.usual, pageCap: 3 });
    const before = await seenOf(desk, 1002);
    const found = await desk.trial('1002', stop);
    assert.equal(found.at(-1)?.name, 'clean up');
    assert.deepEqual(await seenOf(desk, 1002), before);
  });
}

for (const stop of ['write a note', 'visibility', 'write a field', 'size of subjects', 'size of files'])
  for (const keepsMarker of [true, false])
    test(`what a trial left that was killed after "${stop}" is deleted by another one, where markers are ${keepsMarker ? 'kept' : 'lost'}`, async () => {
      const desk = await startDesk({ ...profiles.usual, pageCap: 3, keepsMarker });
      const before = await seenOf(desk, 1002);
      const killed = newTrial('1002', createHelpdesk);
      const { probes, verdictOf } = createCheck(desk.context, mapped, killed);
      for (const { name, run } of probes.slice(probes.findIndex((one) => one.name === 'ticket for the trial'))) {
        await run(longEnough()).catch(verdictOf);
        if (name === stop) break;
      }
      assert.notDeepEqual(await seenOf(desk, 1002), before);
      const left = killed.kept.at(-1);
      assert.ok(left !== undefined);
      // Nothing that somebody did meanwhile is undone.
      await desk.client.agentAction(acmeNames.agents.dana, 1002, {
        outcome: 'Internal Note',
        note_html: '<p>mine</p>',
      });
      const next = newTrial('1002', createHelpdesk, { marker: killed.marker, left });
      const cleaned = await createCheck(desk.context, mapped, next).cleanUp(longEnough());
      assert.equal(cleaned?.verdict, 'ok', cleaned?.saw);
      const { actions } = await desk.client.ticket(1002);
      assert.equal(actions.at(-1)?.note, 'mine');
      await desk.client.call('DELETE', `/tickets/1002/actions/${actions.at(-1)?.id}`);
      assert.deepEqual(await seenOf(desk, 1002), before);
    });

test('what somebody has set since a trial was killed stays unchanged', async () => {
  const desk = await startDesk({ ...profiles.usual, pageCap: 3 });
  const killed = newTrial('1002', createHelpdesk);
  const { probes, verdictOf } = createCheck(desk.context, mapped, killed);
  for (const { name, run } of probes.slice(probes.findIndex((one) => one.name === 'ticket for the trial'))) {
    await run(longEnough()).catch(verdictOf);
    if (name === 'size of subjects') break;
  }
  const left = killed.kept.at(-1);
  assert.ok(left !== undefined && left.summary && left.statuses.length > 0 && left.fields.length > 0);
  const fields = Object.fromEntries(left.fields.map((name) => [name, 'somebody']));
  await desk.client.edit(1002, { summary: 'Renamed since', status: acmeNames.statuses.resolved, fields });
  const next = newTrial('1002', createHelpdesk, { marker: killed.marker, left });
  await createCheck(desk.context, mapped, next).cleanUp(longEnough());
  const now = await desk.client.ticket(1002);
  assert.deepEqual([now.summary, now.status_name], ['Renamed since', acmeNames.statuses.resolved]);
  for (const name of left.fields) assert.equal(now.customfields.find((one) => one.name === name)?.value, 'somebody');
});

test('a trial of which the ticket is gone left nothing, and a write that can not be kept is not made', async () => {
  const desk = await startDesk({ ...profiles.usual, pageCap: 3 });
  const before = await seenOf(desk, 1002);
  const unkept = { ...newTrial('1002', createHelpdesk), keep: () => Promise.reject(new Error('no database')) };
  const { probes } = createCheck(desk.context, mapped, unkept);
  const of = (name: string) => probes.find((one) => one.name === name);
  await of('ticket for the trial')?.run(longEnough());
  await assert.rejects(of('write a note')?.run(longEnough()) ?? Promise.resolve(), /no database/);
  assert.deepEqual(await seenOf(desk, 1002), before);

  const killed = newTrial('1002', createHelpdesk);
  const some = createCheck(desk.context, mapped, killed).probes;
  await some.find(({ name }) => name === 'ticket for the trial')?.run(longEnough());
  await some.find(({ name }) => name === 'write a note')?.run(longEnough());
  await desk.client.remove(1002);
  const left = killed.kept.at(-1) ?? null;
  const next = newTrial('1002', createHelpdesk, { marker: killed.marker, left });
  const cleaned = await createCheck(desk.context, mapped, next).cleanUp(longEnough());
  assert.deepEqual([cleaned?.verdict, /not there any more/.test(cleaned?.saw ?? '')], ['ok', true]);
});

test('a write of which the answer is lost is deleted too', async () => {
  const desk = await startDesk({ ...profiles.usual, pageCap: 3 });
  const before = await seenOf(desk, 1002);
  await desk.client.fault({
    kind: 'reply-lost-after-commit',
    match: { method: 'POST', path: '^/api/actions', times: 1 },
  });
  const found = await desk.trial('1002', 'write a note');
  assert.equal(found.find(({ name }) => name === 'write a note')?.verdict, 'unknown');
  assert.deepEqual(await seenOf(desk, 1002), before);
});

test('what can not be deleted is named', async () => {
  const desk = await startDesk({ ...profiles.usual, pageCap: 3 });
  const match = { method: 'DELETE', path: '^/api/actions', times: 0 };
  await desk.client.fault({ kind: 'status', status: 403, match });
  const last = (await desk.trial('1002', 'write a note')).at(-1);
  assert.deepEqual([last?.name, last?.verdict], ['clean up', 'not-allowed']);
  assert.match(last?.saw ?? '', /left on ticket 1002: action \d+ \(/);
});

test('filters that only this Halo has are found, and used from then on', async () => {
  const odd: Profile = { ...profiles.usual, changedBy: 'last_update', loggedBy: 'dateoccurred', ordersByChange: false };
  const desk = await startDesk(odd);
  const learned = factsOf(await desk.check());
  const { changedBy, loggedBy, ordersByChange } = odd;
  assert.deepEqual(
    { changedBy: learned['changedBy'], loggedBy: learned['loggedBy'], ordersByChange: learned['ordersByChange'] },
    { changedBy, loggedBy, ordersByChange },
  );
  const pages = async (known: ConnectorContext['learned']): Promise<number> => {
    const helpdesk = createHelpdesk({ ...desk.context, options: { overlapMs: 1 }, learned: known });
    const cursor = await helpdesk.feedStart(longEnough());
    await desk.client.edit(1001, { summary: `Changed ${JSON.stringify(known)}` });
    await desk.client.clearRequests();
    const { tickets } = await helpdesk.feed(cursor, 10, longEnough());
    assert.ok(tickets.includes('1001'));
    return (await desk.client.requests()).total;
  };
  const [blind, seeing] = [await pages({}), await pages(learned)];
  assert.ok(seeing < blind, `${seeing} requests with what is known, ${blind} without`);
});

/** A desk that sends readers to a replica: what it shows is complete and in order, and a moment old. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { createLightHelpdesk } from '#bench/light-connector.ts';
import type { ConnectorContext, FeedPage, Helpdesk } from '#connectors/contract/helpdesk.ts';
import { until } from '#test/support/wait.ts';
import { opened, startRig, type Rig, type RigDesk } from './rig.ts';

/** Within settleMs, for which read-backs may trail by the contract. */
const lateMs = 1_200;
const settleMs = 3_000;

function late(context: ConnectorContext): Helpdesk {
  const helpdesk = createLightHelpdesk(context);
  const namesIds = context.options['namesIds'] !== false;
  const pages = new Map<string, { readonly at: number; readonly page: FeedPage }>();
  return {
    ...helpdesk,
    async feed(cursor, limit, signal) {
      const nothing = { tickets: [], cursor, more: false };
      const seen = pages.get(cursor);
      // The desk as it was a moment ago, like its readings: later changes appear in the next one.
      if (seen !== undefined) return Date.now() - seen.at < lateMs ? nothing : seen.page;
      const page = await helpdesk.feed(cursor, limit, signal);
      if (page.tickets.length > 0) pages.set(cursor, { at: Date.now(), page });
      return nothing;
    },
    async perform(step, options) {
      const written = await helpdesk.perform(step, options);
      return namesIds || step.command.open !== undefined ? written : { ...written, actionIds: [] };
    },
    async read(ticket, since, signal) {
      const reading = await helpdesk.read(ticket, null, signal);
      if (reading.kind !== 'ticket') return reading;
      const shown = reading.actions.filter(({ at }) => Date.parse(at) <= Date.now() - lateMs);
      const status = shown.findLast(({ words }) => words.status !== undefined)?.words.status ?? 'open';
      const fields = Object.assign(
        {},
        ...shown.map(({ words }) => words.fields),
      ) as (typeof reading.snapshot)['fields'];
      return {
        kind: 'ticket',
        snapshot: { ...reading.snapshot, status, closed: status === 'closed', fields },
        actions: shown.filter(({ at }) => since === null || at >= since),
      };
    },
  };
}

describe('a desk whose replica is a moment late', () => {
  let rig: Rig;
  let acme: RigDesk;
  let north: RigDesk;
  let south: RigDesk;
  before(async () => {
    rig = await startRig('late_replica', { createHelpdesk: late });
    acme = await rig.desk('acme', { settleMs });
    north = await rig.desk('north', { settleMs });
    south = await rig.desk('south', { settleMs, namesIds: false });
    await rig.link('acme-north', 'acme', 'north', { customer: { outbound: { actions: ['Note'] } } });
    await rig.link('acme-south', 'acme', 'south', {
      customer: { outbound: { actions: ['Note'], escalates: { kind: 'Private' } } },
    });
    await rig.startWorker();
    await rig.live();
  });
  after(() => rig.close());

  const takes = async (far: RigDesk, ticket: string, id: string): Promise<void> => {
    await acme.act(ticket, { note: '<p>we wait</p>', status: 'waiting', fields: { Ref: 'R-1' } });
    await acme.note(ticket, '<p>and one more</p>');
    await until(() => far.ticket(id).actions.some((one) => one.note === '<p>and one more</p>'), { what: 'both notes' });
    await rig.settled(60_000);
    const ours = far.ticket(id).actions.filter((one) => one.by === 'service');
    assert.deepEqual(
      ours.map(({ note, status }) => [note, status]),
      [
        ['<p>we wait</p>', 'waiting'],
        ['<p>and one more</p>', undefined],
      ],
    );
    assert.equal((await rig.connection.sql`select id from deliveries where held_at is not null`).length, 0);
  };

  it('has a status and a field written once, although the first readings show neither', async () => {
    const { ticket, far } = await opened(acme, north);
    await takes(north, ticket, far);
  });

  it('has them written once also where its answers name no ids', async () => {
    const ticket = await acme.open();
    await acme.act(ticket, { kind: 'Private', note: '<p>Help.</p>', visible: false });
    const far = await until(() => acme.ticket(ticket).reference ?? undefined, { what: 'the ticket at south' });
    await takes(south, ticket, far);
    await rig.check();
  });
});

import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { carried } from './between.ts';
import { pair, startOrganisation, visibleToUsers, type Organisation } from './organisations.ts';
import { count, shown } from './desk-notes.ts';

const mayWiden = (kind: string | null): boolean => kind === 'Note';

describe('three organisations', () => {
  const organisations: Organisation[] = [];
  const of = (id: string): Organisation => {
    const found = organisations.find((one) => one.id === id);
    if (found === undefined) throw new Error(`no organisation ${id}`);
    return found;
  };
  const relaying = { ...visibleToUsers, outbound: { actions: ['Note'], relay: 'all' } };
  const escalating = (to: string): Record<string, unknown> => ({
    ...visibleToUsers,
    outbound: {
      actions: ['Note'],
      relay: 'all',
      escalates: { all: [{ kind: 'Escalate' }, { field: 'Ref', equals: to }] },
    },
  });
  before(async () => {
    for (const id of ['red', 'green', 'blue']) organisations.push(await startOrganisation(id, 'three'));
    await pair(of('red'), of('green'), { customer: escalating('green'), supplier: relaying });
    await pair(of('green'), of('blue'), { customer: escalating('blue'), supplier: relaying });
    await pair(of('blue'), of('red'), { customer: escalating('red'), supplier: relaying });
  });
  after(async () => {
    for (const one of organisations) await one.close();
  });
  const escalate = async (from: string, ticket: string, to: string): Promise<string> => {
    await of(from).desk.act(ticket, { kind: 'Escalate', note: `<p>to ${to}</p>`, visible: false, fields: { Ref: to } });
    return shown(() => of(from).desk.ticket(ticket).reference ?? undefined, `the ticket at ${to}`);
  };

  it('in a chain have each note once, signed by its author’s gateway, and can prove it offline', async () => {
    const first = await of('red').desk.open('A chain');
    const second = await escalate('red', first, 'green');
    const third = await escalate('green', second, 'blue');
    await of('red').desk.note(first, '<p>said by red</p>');
    await shown(() => count(of('blue').desk, third, 'said by red') || undefined, 'the note at the end of the chain');
    await of('blue').desk.note(third, '<p>said by blue</p>');
    await shown(() => count(of('red').desk, first, 'said by blue') || undefined, 'the answer at its beginning');
    for (const one of organisations) await carried(one);
    for (const { rig } of organisations) await rig.check({ mayWiden });
    assert.deepEqual(
      [
        count(of('green').desk, second, 'said by red'),
        count(of('blue').desk, third, 'said by red'),
        count(of('green').desk, second, 'said by blue'),
        count(of('red').desk, first, 'said by blue'),
      ],
      [1, 1, 1, 1],
    );
    const verified = await of('blue').ferry('verify', 'blue', third);
    assert.equal(verified.code, 0, verified.out + verified.err);
    assert.match(verified.out, new RegExp(`${of('red').line.url}/i/red`));
  });

  it('in a ring have each note exactly once, and it does not come back', async () => {
    const first = await of('red').desk.open('A ring');
    const second = await escalate('red', first, 'green');
    const third = await escalate('green', second, 'blue');
    const again = await escalate('blue', third, 'red');
    await of('red').desk.note(first, '<p>round and round</p>');
    await shown(() => count(of('blue').desk, third, 'round and round') || undefined, 'the note at blue');
    for (const one of organisations) await carried(one);
    for (const { rig } of organisations) await rig.check({ mayWiden });
    const red = count(of('red').desk, first, 'round and round') + count(of('red').desk, again, 'round and round');
    assert.deepEqual(
      [red, count(of('green').desk, second, 'round and round'), count(of('blue').desk, third, 'round and round')],
      [1, 1, 1],
    );
  });
});

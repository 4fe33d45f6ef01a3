import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { unrecorded } from '#core/log/unrecorded.ts';
import type { TicketSnapshot, Words } from '#core/words/vocabulary.ts';

const now: TicketSnapshot = {
  ticketId: '1',
  number: '1',
  url: 'https://desk.example/1',
  summary: 'New title',
  description: '',
  status: 'New',
  closed: false,
  category: null,
  type: null,
  priority: null,
  fields: { Reach: 'Everybody', Tags: ['a', 'b'], Due: null },
  account: null,
  requester: null,
};
const plain: Words = { kind: 'Note', fields: {} };

describe('changes that no action records', () => {
  it('are the summary and the fields that became different', () => {
    const before = { summary: 'Old title', fields: { Reach: 'One', Tags: ['a', 'b'], Due: '2026-12-01' } };
    assert.deepEqual(unrecorded(before, now, [plain]), {
      summary: 'New title',
      fields: { Reach: 'Everybody', Due: null },
    });
  });

  it('leave out what an action of the same read records itself', () => {
    const before = { summary: 'Old title', fields: {} };
    const recording: Words = { kind: 'Set', summary: 'New title', fields: { reach: 'Everybody' } };
    assert.deepEqual(unrecorded(before, now, [plain, recording]), { fields: { Tags: ['a', 'b'] } });
  });

  it('are nothing where nobody knows how the ticket was', () => {
    assert.deepEqual(unrecorded(null, now, [plain]), { fields: {} });
  });

  it('are nothing where nothing is different, and a field that was never set is the same as an empty one', () => {
    const before = { summary: 'New title', fields: { Reach: 'Everybody', Tags: ['a', 'b'] } };
    assert.deepEqual(unrecorded(before, now, [plain]), { fields: {} });
  });
});

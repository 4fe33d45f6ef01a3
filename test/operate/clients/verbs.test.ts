import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addClient } from '#operate/clients/add.ts';
import { revokeClient } from '#operate/clients/revoke.ts';
import { rotateClient } from '#operate/clients/rotate.ts';
import { changes, refuses, newTool, toolClient, tool } from '#test/operate/verb-cases.ts';
import { openWorkplace } from '#test/operate/workplace.ts';

changes([
  {
    name: 'client add with a new link',
    verb: (operator) => addClient(operator, 'tool-link', () => tool),
    what: 'client-add',
    subject: /^clients\/tool-link-/,
    difference: { link: 'tool-link', role: 'customer', madeLink: true, instance: 'acme', tool: 'tool-link-tool' },
  },
  {
    name: 'client add to a link that is there',
    before: newTool,
    verb: (operator) => addClient(operator, 'tool-link', () => tool),
    what: 'client-add',
    subject: /^clients\/tool-link-/,
    difference: { link: 'tool-link', role: 'customer' },
  },
  {
    name: 'client rotate',
    before: newTool,
    verb: async (operator, place) => rotateClient(operator, await toolClient(place)),
    what: 'client-rotate',
    subject: /^clients\/tool-link-/,
    difference: { link: 'tool-link' },
  },
  {
    name: 'client revoke',
    before: newTool,
    verb: async (operator, place) => revokeClient(operator, await toolClient(place)),
    what: 'client-revoke',
    subject: /^clients\/tool-link-/,
    difference: { link: 'tool-link', isPeer: false },
  },
]);

refuses([['a client that is not there', 'unknown-client', 'unknown', (operator) => rotateClient(operator, 'nobody')]]);

test('what is done already is neither done nor audited again: a client that was revoked', async () => {
  const place = await openWorkplace();
  try {
    const { client } = await newTool(place);
    assert.equal((await revokeClient(place.as(), client)).done, true);
    const rows = (await place.audit()).length;
    assert.equal((await revokeClient(place.as(), client)).done, false);
    assert.equal((await place.audit()).length, rows);
  } finally {
    await place.close();
  }
});

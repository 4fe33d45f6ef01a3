import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseMail } from './rt-mail.ts';

const headers = ['X-RT-Ticket: rt.local #12', 'To: a@acme.example,\n b@acme.example', 'Subject: [rt.local #12] VPN'];

test('a header of a mail is found wherever it is written, first, last or in between', () => {
  for (const order of [
    [0, 1, 2],
    [1, 0, 2],
    [2, 1, 0],
  ]) {
    for (const end of ['\n', '\r\n']) {
      const raw = `${order.map((at) => headers[at]).join('\n')}\n\nX-RT-Ticket: rt.local #13\n`.replaceAll('\n', end);
      const mail = parseMail(raw);
      assert.equal(mail.header('X-RT-Ticket'), 'rt.local #12');
      assert.equal(mail.header('x-rt-ticket'), 'rt.local #12');
      assert.deepEqual(mail.to, ['a@acme.example', 'b@acme.example']);
      assert.equal(mail.header('X-RT-Originator'), '');
    }
  }
});

import { makePairingCode } from '#db/links/pairing-code.ts';
import { accept } from '#operate/pairing/accept.ts';
import { checkLink } from '#operate/pairing/check.ts';
import { invite } from '#operate/pairing/invite.ts';
import { changes, refuses } from '#test/operate/verb-cases.ts';
import { link, plantPeerLink } from '#test/operate/workplace.ts';

changes([
  {
    name: 'link invite',
    verb: (operator) => invite(operator, { side: 'customer', instance: 'acme', link: 'new-link', contact: null }),
    what: 'invite',
    subject: 'links/new-link',
    difference: { side: 'customer', instance: 'acme' },
  },
  {
    name: 'link accept',
    verb: (operator) =>
      accept(operator, makePairingCode('http://127.0.0.1:1/i/far', 'supplier').code, {
        instance: 'acme',
        contact: null,
      }),
    what: 'accept',
    subject: 'links/acme-far',
    difference: { side: 'customer', instance: 'acme', issuer: 'http://127.0.0.1:1/i/far' },
  },
  {
    name: 'link check',
    before: ({ db }) => plantPeerLink(db, 'far-link'),
    verb: (operator) => checkLink(operator, 'far-link'),
    what: 'link-check',
    subject: 'links/far-link',
    difference: {},
  },
]);

refuses([
  ['a link without a peer', 'never-paired', 'state', (operator) => checkLink(operator, link)],
  [
    'what is no code',
    'not-a-code',
    'wrong',
    (operator) => accept(operator, 'a code that nobody made', { instance: 'acme', contact: null }),
  ],
  [
    'a code with a letter too few',
    'damaged-code',
    'wrong',
    (operator) => accept(operator, 'ferry_x', { instance: 'acme', contact: null }),
  ],
  [
    'a link that is taken',
    'link-exists',
    'state',
    (operator) => invite(operator, { side: 'customer', instance: 'acme', link, contact: null }),
  ],
  [
    'a gateway that nobody can call',
    'no-public-url',
    'setup',
    (operator) => invite({ ...operator, publicUrl: undefined }, { side: 'customer', instance: 'acme', contact: null }),
  ],
]);

import { rotateKeys } from '#operate/keys/rotate.ts';
import { ensureKeys, signingKey } from '#db/links/keys.ts';
import { rememberKey, retireOriginKey } from '#db/exchange/origin-keys.ts';
import { reinstate as reinstateKey } from '#operate/keys/reinstate.ts';
import { retire as retireKey } from '#operate/keys/retire.ts';
import { changes, refuses } from '#test/operate/verb-cases.ts';

changes([
  {
    name: 'key rotate',
    verb: (operator) => rotateKeys(operator, 'acme'),
    what: 'key-rotate',
    subject: 'instances/acme',
    difference: {},
  },
  {
    name: 'key retire of one of ours',
    before: ({ db, as }) => ensureKeys(db, as().seal, 'acme'),
    verb: async (operator) => {
      const { kid } = await signingKey(operator.db, operator.open, 'acme', 'provenance');
      return retireKey(operator, kid, { because: 'stolen' });
    },
    what: 'key-retire',
    subject: 'instances/acme',
    difference: { use: 'provenance', because: 'stolen' },
  },
  {
    name: 'key retire of another organisation’s',
    before: ({ db }) => rememberKey(db, 'https://far.example/i/far', 'stolen', { x: 'x' }, null),
    verb: (operator) => retireKey(operator, 'stolen'),
    what: 'key-retire',
    subject: 'origins/https://far.example/i/far',
    difference: { kid: 'stolen', because: null },
  },
  {
    name: 'key reinstate',
    before: async ({ db }) => {
      await rememberKey(db, 'https://far.example/i/far', 'mistaken', { x: 'x' }, null);
      await retireOriginKey(db, 'https://far.example/i/far', 'mistaken');
    },
    verb: (operator) => reinstateKey(operator, 'mistaken', { because: 'It was another one.' }),
    what: 'key-reinstate',
    subject: 'origins/https://far.example/i/far',
    difference: { kid: 'mistaken', because: 'It was another one.' },
  },
]);

refuses([['a use that is none', 'unknown-use', 'wrong', (operator) => rotateKeys(operator, 'acme', 'door')]]);

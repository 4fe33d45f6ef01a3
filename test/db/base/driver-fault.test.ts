import assert from 'node:assert/strict';
import { it } from 'node:test';
import { isDriverFault } from '#db/base/driver-fault.ts';

it('only the driver’s own write to an ended connection is survived', () => {
  const fault = new TypeError("Cannot read properties of null (reading 'write')");
  assert.equal(isDriverFault(fault), false);
  fault.stack = `${fault.message}\n    at Immediate.nextWrite (file:///x/node_modules/postgres/src/connection.js:255:22)`;
  assert.equal(isDriverFault(fault), true);
  assert.equal(isDriverFault(new Error('something else')), false);
});

import { contractSuite } from '#test/connectors/contract.ts';
import { haloBench } from './harness.ts';

for (const profile of ['usual', 'other'] as const) {
  contractSuite(`Halo as the customer (twin, ${profile} answers)`, () => haloBench('acme', profile));
  contractSuite(`Halo as the supplier (twin, ${profile} answers)`, () => haloBench('northwind', profile));
}

import { contractSuite } from '#test/connectors/contract.ts';
import { haloBench } from './harness.ts';

contractSuite('Halo as the customer (twin)', () => haloBench('acme'));
contractSuite('Halo as the supplier (twin)', () => haloBench('northwind'));

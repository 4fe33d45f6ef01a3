// Operators for tests: one who may do everything, with helpdesks and peers only if a test provides them.
import type { Client } from '#db/base/client.ts';
import { createOperator, unlimited, type Actor, type Operator, type Role } from '#operate/operator.ts';

export const testKey = Buffer.alloc(32, 7);

export const ann: Actor = unlimited({ kind: 'person', id: 'ann@acme.example', name: 'Ann Lee' });

export function testOperator(db: Client, change: Partial<Operator> = {}): Operator {
  return {
    ...createOperator({ db, actor: ann, secretKeys: [testKey], publicUrl: 'https://ferry.example' }),
    ...change,
  };
}

/** Somebody of one role, in charge of these links only, or of all. */
export function somebody(role: Role | null, reach: Actor['reach'] = 'all'): Actor {
  return { kind: 'person', id: 'ben@acme.example', name: 'Ben Ott', roles: role === null ? [] : [role], reach };
}

/** Resets the demo while everything keeps running: desks, mirrors, and the link's rules. */
import { setTimeout as sleep } from 'node:timers/promises';

import { connect } from '#db/base/client.ts';
import type { Client } from '#db/base/client.ts';
import { notifyHints } from '#db/log/hint.ts';
import { forgetCarried, forgetOlder, goOn, openWrites, quiesce } from '#standalone/demo/start-anew.ts';
import { twinNames } from '#standalone/demo/demo-desks.ts';
import type { DemoDesks } from '#standalone/demo/demo-desks.ts';
import { isChanged, linkDesks } from '#standalone/demo/demo-link.ts';
import { ticketToEscalate } from '#standalone/demo/demo-ticket.ts';

import type { PageDesk } from './desks.ts';
import type { DemoTicket } from './view.ts';

export type ResetDeps = {
  readonly databaseUrl: string;
  /** base64, 32 bytes. */
  readonly secretKey: string;
  readonly desks: DemoDesks;
  readonly twins: { readonly acme: PageDesk; readonly northwind: PageDesk };
  readonly say: (line: string) => void;
};

/** How long Ferry pauses reading and writing, so that everything in progress ends. Milliseconds. */
const quietMs = 120;
const patienceMs = 1_500;
/** When, after the reset, to look for old actions that a slow reading logged late. */
const lateMs = [150, 1_000, 4_000];

export async function resetDemo(deps: ResetDeps): Promise<DemoTicket> {
  const { databaseUrl, secretKey, desks, twins, say } = deps;
  const connection = connect(databaseUrl, { max: 2, name: 'ferry-reset' });
  const { db } = connection;
  try {
    await quiesce(db, twinNames, patienceMs * 2);
    await untilQuiet(db, twins);
    const since = new Date().toISOString();
    await Promise.all([twins.acme.reset(), twins.northwind.reset()]);
    await forgetCarried(db, twinNames);
    if (await isChanged(db)) await linkDesks(db, desks, secretKey, say, { overwrite: true });
    const ticket = await ticketToEscalate(desks.acme.url, AbortSignal.timeout(10_000));
    await goOn(db, twinNames);
    await notifyHints(db);
    void forgetLate(databaseUrl, since);
    return ticket;
  } finally {
    await connection.close();
  }
}

async function untilQuiet(db: Client, twins: ResetDeps['twins']): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (performance.now() < deadline) {
    await sleep(40);
    const [writes, acme, northwind] = await Promise.all([
      openWrites(db, twinNames),
      twins.acme.recentRequests(quietMs),
      twins.northwind.recentRequests(quietMs),
    ]);
    if (writes + acme + northwind === 0) return;
  }
}

async function forgetLate(databaseUrl: string, since: string): Promise<void> {
  const connection = connect(databaseUrl, { max: 1, name: 'ferry-reset' });
  try {
    const begun = performance.now();
    for (const at of lateMs) {
      await sleep(Math.max(0, begun + at - performance.now()), undefined, { ref: false });
      await forgetOlder(connection.db, twinNames, since);
    }
  } catch {
    // The database is stopping.
  } finally {
    await connection.close();
  }
}

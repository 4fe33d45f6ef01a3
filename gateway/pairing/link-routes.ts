/** Endpoints about the link itself, for its other side: its state, its checks, erasure, and its end. */
import { Hono, type MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { outward } from '#core/words/reasons.ts';
import {
  wireChecks,
  wireClose,
  wireErase,
  wireLimits,
  type WireChecked,
  type WireErased,
  type WireLink,
} from '#core/wire.ts';
import { writeAudit } from '#db/base/audit.ts';
import type { Client } from '#db/base/client.ts';
import { databaseFingerprint } from '#db/links/identity.ts';
import { closeLink } from '#db/links/link-close.ts';
import { loadLink } from '#db/links/link-life.ts';
import { startChecks, type Check } from '#db/links/pairings.ts';
import { receiveErasure } from '#db/operate/erasures.ts';
import { parseStrict } from '#gateway/json-body.ts';
import type { Caller } from '#gateway/oauth/deps.ts';
import { problem, ProblemError } from '#gateway/problems.ts';

type Env = { Variables: { caller: Caller } };

export type LinkDeps = {
  readonly db: Client;
  /** gateway/oauth/authenticate.ts */
  readonly authenticate: MiddlewareHandler<Env>;
  /** Wakes couriers; not awaited. */
  readonly wake: (instances: readonly string[]) => void;
  /** The largest accepted file, which the other side sees. */
  readonly attachmentBytes: number;
  /** Of files of one link that no action names. */
  readonly unreferencedBytes: number;
  readonly now?: () => Date;
};

export function linkRoutes(deps: LinkDeps): Hono<Env> {
  const { db } = deps;
  const now = deps.now ?? (() => new Date());
  const routes = new Hono<Env>();
  let fingerprint: Promise<string> | null = null;
  const ownFingerprint = (): Promise<string> => {
    fingerprint ??= databaseFingerprint(db).catch((error: unknown) => {
      fingerprint = null;
      throw error;
    });
    return fingerprint;
  };
  const limit = bodyLimit({ maxSize: wireLimits.bodyBytes, onError: () => problem('body-too-large') });
  routes.use('/v1/link', deps.authenticate);
  routes.use('/v1/link/*', deps.authenticate);

  routes.get('/v1/link', async (c) => {
    const link = await loadLink(db, c.var.caller.link);
    if (link === null) return problem('not-found');
    const answer: WireLink = {
      link: link.id,
      state: link.state,
      reason: link.reason === null ? null : outward(link.reason),
      contact: link.ownContact,
      now: now().toISOString(),
      fingerprint: await ownFingerprint(),
      limits: {
        bodyBytes: wireLimits.bodyBytes,
        attachmentBytes: deps.attachmentBytes,
        actionsPerBatch: wireLimits.actionsPerBatch,
        unreferencedBytes: deps.unreferencedBytes,
      },
    };
    return c.json(answer);
  });

  routes.post('/v1/link/checks', limit, async (c) => {
    const bytes = new Uint8Array(await c.req.arrayBuffer());
    const parsed = wireChecks.safeParse(parseStrict(bytes));
    if (!parsed.success) throw new ProblemError('invalid-checks', 'Send run and checks, or padding.');
    const count = { bytes: bytes.byteLength };
    if ('padding' in parsed.data) return c.json({ done: true, checks: [], ...count } satisfies WireChecked);
    const theirs: Check[] = parsed.data.checks.map((check) => ({ ...check, direction: 'theirs' }));
    const { run } = parsed.data;
    const pairing = await startChecks(db, c.var.caller.link, { run, asks: false, theirs });
    if (pairing === null) throw new ProblemError('never-paired', 'Only the other side of a pairing can run checks.');
    const ours = pairing.checks.filter(({ direction }) => direction === 'ours');
    const answer: WireChecked = {
      // If another run has begun meanwhile, it answers its own caller.
      done: pairing.state !== 'pairing' || pairing.run !== run,
      checks: ours.map(({ name, ok, text }) => ({ name, ok, text })),
      ...count,
    };
    return c.json(answer);
  });

  routes.post('/v1/link/erasures', limit, async (c) => {
    const parsed = wireErase.safeParse(parseStrict(new Uint8Array(await c.req.arrayBuffer())));
    if (!parsed.success) throw new ProblemError('invalid-body', 'Send an id, and the ids of 1 to 1,000 actions.');
    const { id, actions } = parsed.data;
    const { link, client } = c.var.caller;
    const found = await db.transaction(async (tx) => {
      const received = await receiveErasure(tx, link, id, actions);
      if (received.isNew)
        await writeAudit(tx, { kind: 'token', id: client, name: `the other side (${client})` }, [
          { what: 'erase-asked', subject: `links/${link}`, detail: { erasure: id, actions: received.actions } },
        ]);
      return received;
    });
    if (found.state === null) return problem('too-many-erasures');
    return c.json({ id, state: found.state, text: found.answer } satisfies WireErased);
  });

  routes.post('/v1/link/close', limit, async (c) => {
    const bytes = new Uint8Array(await c.req.arrayBuffer());
    const parsed = wireClose.safeParse(bytes.byteLength === 0 ? {} : parseStrict(bytes));
    const text = parsed.success ? parsed.data.text : undefined;
    const { link, client } = c.var.caller;
    const closed = await db.transaction(async (tx) => {
      const ended = await closeLink(tx, link, text);
      if (ended?.done !== true) return ended;
      const { from, state: to, mirrors, refused } = ended;
      await writeAudit(tx, { kind: 'token', id: client, name: `the other side (${client})` }, [
        { what: 'close', subject: `links/${link}`, detail: { from, to, mirrors, refused, because: text ?? null } },
      ]);
      return ended;
    });
    if (closed === null) return problem('not-found');
    deps.wake(closed.wake);
    return c.json({ state: closed.state });
  });
  return routes;
}

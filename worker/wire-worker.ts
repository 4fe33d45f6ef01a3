/**
 * Builds what a worker's activities and chores need from the worker's connections. It builds values only, and starts
 * nothing.
 */
import type { Client as TemporalClient } from '@temporalio/client';
import { freeBytes, openBlobStore } from '#blobs/store.ts';
import type { Texts } from '#text-worker/texts.ts';
import { leastFreeBytes } from '#config/least-free.ts';
import type { Config } from '#config/env.ts';
import type { Log } from '#config/log.ts';
import { openSecret, sealSecret } from '#config/secrets.ts';
import type { HttpClient } from '#connectors/contract/http.ts';
import { createTokenSource } from '#protocols/ferry/tokens.ts';
import type { Client } from '#db/base/client.ts';
import type { Memory } from '#db/links/memory.ts';
import type { AuditTail } from '#db/operate/audit-lines.ts';
import { noticeLines } from '#db/operate/notice-lines.ts';
import { createPromises } from '#db/carry/promise-writes.ts';
import { signingKey, type Open, type Seal } from '#db/links/keys.ts';
import { createNothingNew } from '#db/log/nothing-new.ts';
import { createTogether } from '#db/log/together.ts';
import { createVersionCache } from '#db/settings/settings-in-force.ts';
import type { Bells } from '#activities/bells.ts';
import { standardLimits, type Limits, type WorkDeps } from '#activities/deps.ts';
import { createOurClock } from '#db/base/our-clock.ts';
import { createClocks } from '#activities/desk/clocks.ts';
import { createDesks, type DesksDeps } from '#activities/desk/desks.ts';
import { apiChores } from '#activities/exchange/api-chores.ts';
import { createAskErasures } from '#activities/exchange/ask-erasures.ts';
import { createAskOutcomes } from '#activities/exchange/ask-outcome.ts';
import { createPeers } from '#activities/exchange/peers.ts';
import { createRefreshPeers } from '#activities/exchange/refresh-peers.ts';
import { createSigner } from '#activities/exchange/signer.ts';
import { createDrain, type Drain } from '#activities/drain.ts';
import { createActivities } from '#activities/index.ts';
import { createWatch } from '#activities/watch/watch.ts';
import { createTell } from '#activities/notify.ts';
import { createConnectActivities } from '#activities/pairing/connect.ts';
import { withClock } from '#telemetry/clock-offset.ts';
import { commandLine, noticeLine } from '#telemetry/lines.ts';
import type { Telemetry } from '#telemetry/start.ts';
import type { SweeperDeps } from './sweeper.ts';
import { createTakeOver } from './take-over.ts';
import { createWake, signalCourier } from './wake.ts';
import { workflowVersion } from './workflow-version.ts';

export type WorkerOptions = {
  readonly limits?: Partial<Limits>;
  /** How many watchers read in parallel, over all workers. */
  readonly watchers?: number;
  readonly sweepMs?: number;
  /** Path of a workflow bundle that was built in advance. If absent, it is built at the start. */
  readonly bundle?: string;
  /** The version of the workflows' code. If absent, its fingerprint. */
  readonly version?: string;
  readonly createHelpdesk: DesksDeps['createHelpdesk'];
};

/** What a worker is connected to. The code that opened the connections closes them. */
export type WorkerConnections = {
  readonly texts: Texts;
  readonly db: Client;
  readonly temporal: TemporalClient;
  readonly http: HttpClient;
  /** For calls to the URLs that API clients have set. */
  readonly webhooks: HttpClient;
  readonly bells: Bells;
  readonly telemetry: Telemetry;
  /** Operators' commands, for the log. */
  readonly commands: AuditTail;
  readonly memory: Memory;
};

export type WiredWorker = {
  /** Activities by name, for Temporal's worker. */
  readonly activities: Readonly<Record<string, (...given: never[]) => Promise<unknown>>>;
  readonly sweeper: SweeperDeps;
  readonly drain: Drain;
  /** The version of the workflows' code. */
  readonly version: string;
};

/** How many activities one worker runs at the same time. */
export const activitySlots = 200;

export async function wireWorker(
  config: Config,
  log: Log,
  { db, temporal, http, webhooks, bells, texts, telemetry, commands, memory }: WorkerConnections,
  options: WorkerOptions,
): Promise<WiredWorker> {
  const open: Open = (sealed, context) => openSecret(sealed, context, config.secretKeys);
  const seal: Seal = (plain, context) => sealSecret(plain, context, firstOf(config.secretKeys));
  const version = options.version ?? (await workflowVersion());
  const wake = createWake({
    db,
    version,
    temporal: () => temporal,
    onError: (error) => log.warn({ err: error }, 'a wake failed; the sweeper wakes later'),
    ringHere: (instance) => bells.ringHere(instance),
  });
  const ours = createOurClock(db);
  // The first call asks the database, so that the first reply of a desk can be compared with its time.
  ours.now();
  const clocks = createClocks(db, ours, (error) =>
    log.warn({ err: error }, 'the measured offset of a clock could not be stored'),
  );
  const running = countRunning();
  const deps: WorkDeps = {
    publicUrl: config.publicUrl,
    peers: createPeers({
      db,
      http,
      tokensFor: ({ issuer, clientId, instance, dpop }, through) =>
        createTokenSource({
          issuer,
          clientId,
          dpop,
          http: through,
          signingKey: () => signingKey(db, open, instance, 'client'),
        }),
    }),
    signer: createSigner({ db, seal, open }),
    db,
    together: createTogether(db),
    isWhole: () => memory.isWhole(),
    promiseWrite: createPromises(db),
    nothingNew: createNothingNew(db),
    cache: createVersionCache(),
    desks: createDesks({
      db,
      http,
      openSecret: open,
      clocks,
      createHelpdesk: (type, context) => {
        const note = (aheadMs: number): void => {
          telemetry.metrics.clock(context.instance, aheadMs);
          clocks.replied(context.instance, aheadMs);
        };
        return options.createHelpdesk(type, {
          ...context,
          http: withClock(context.http, note, ours.now),
          now: () => ours.now() ?? Date.now(),
        });
      },
      notice: (instance, code, text) => log.warn({ instance, code }, text),
    }),
    blobs: await openBlobStore(config.blobs, config.contentKeys),
    freeBytes: () => freeBytes(config.blobs),
    texts,
    bells,
    wake,
    tell: createTell({ http, smtpUrl: config.smtpUrl, mailFrom: config.mailFrom, log }),
    report: telemetry.report,
    log,
    limits: { ...standardLimits, leastFreeBytes: leastFreeBytes(config.limits), ...options.limits },
    slotsFree: () => 1 - running.now() / activitySlots,
  };
  const { publicUrl, allowAddresses } = config;
  const connecting = createConnectActivities({ db, http, publicUrl, allowAddresses, seal, open, wake, log });
  const drain = createDrain(deps);
  const watch = createWatch(deps);
  const wakeCourier = (instance: string): Promise<void> => signalCourier(temporal, version, instance);
  return {
    activities: { ...running.counted(createActivities(deps, drain, watch)), ...connecting },
    drain,
    version,
    sweeper: {
      db,
      temporal: () => temporal,
      version,
      takeOver: createTakeOver({ db, drain, watch, wakeCourier, log }),
      wake,
      blobs: deps.blobs,
      tell: deps.tell,
      noticed: async (notices) => {
        for (const line of await noticeLines(db, notices)) noticeLine(log, line);
      },
      log,
      watchers: options.watchers ?? 2,
      chores: [
        { name: 'peers', everyMs: 5_000, work: createRefreshPeers(deps) },
        { name: 'erasures', everyMs: 5_000, work: createAskErasures(deps) },
        { name: 'outcomes', everyMs: 30_000, work: createAskOutcomes(deps) },
        {
          name: 'commands',
          everyMs: 2_000,
          work: async () => {
            for (const line of await commands.next()) commandLine(log, line);
          },
        },
        ...apiChores({ ...deps, http: webhooks, open }),
      ],
      ...(options.sweepMs === undefined ? {} : { sweepMs: options.sweepMs }),
    },
  };
}

type Activity<Given, Result> = (given: Given) => Promise<Result>;

/** Counts the running activities, so that idle drains give way when few slots are left. */
function countRunning() {
  let running = 0;
  return {
    now: () => running,
    counted: (
      activities: Readonly<Record<string, Activity<never, unknown>>>,
    ): Record<string, Activity<never, unknown>> =>
      Object.fromEntries(
        Object.entries(activities).map(([name, activity]) => [
          name,
          async (given: never) => {
            running += 1;
            try {
              return await activity(given);
            } finally {
              running -= 1;
            }
          },
        ]),
      ),
  };
}

function firstOf(keys: readonly Uint8Array[]): Uint8Array {
  const [key] = keys;
  if (key === undefined) throw new Error('there is no key to encrypt secrets with');
  return key;
}

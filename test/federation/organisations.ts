/**
 * Organisations that each run their own Ferry: a gateway and a worker as processes, a database, a Temporal namespace and
 * a light desk each, and before each gateway a TCP proxy that can break the line anywhere.
 */
import { sql } from 'drizzle-orm';
import { rows } from '#db/base/client.ts';
import { saveSide } from '#db/settings/apply-links.ts';
import type { Limits } from '#activities/deps.ts';
import { startProgram, type Ended, type Program } from '#test/support/process.ts';
import { startTcpProxy, type TcpProxy } from '#test/support/tcp-proxy.ts';
import { plainSide, startRig, type Rig, type RigDesk, type RigOptions } from './rig.ts';

export type Organisation = {
  readonly id: string;
  readonly rig: Rig;
  readonly desk: RigDesk;
  /** Before the gateway; everybody else reaches it only through this. */
  readonly line: TcpProxy;
  gateway(): Program;
  worker(): Program;
  /** Starts whatever is not running. */
  /** `crash`: see gateway-main.ts. */
  startGateway(crash?: string): Promise<Program>;
  startWorker(limits?: Partial<Limits>, crash?: string): Promise<Program>;
  /** Runs the `ferry` command as this organisation's operator. */
  ferry(...args: readonly string[]): Promise<Ended & { readonly out: string; readonly err: string }>;
  /** The same with other variables. */
  ferryWith(
    env: Readonly<Record<string, string>>,
    ...args: readonly string[]
  ): Promise<Ended & { readonly out: string; readonly err: string }>;
  close(): Promise<void>;
};

/** `id`: of its desk's instance; the organisation is named after it. */
export async function startOrganisation(
  id: string,
  label: string,
  options: Pick<RigOptions, 'contentKey'> = {},
): Promise<Organisation> {
  const line = await startTcpProxy();
  const rig = await startRig(`${label}_${id}`, { publicUrl: line.url, ...options });
  const desk = await rig.desk(id);
  let gateway: Program | null = null;
  let worker: Program | null = null;
  const running = (program: Program | null, what: string): Program => {
    if (program === null) throw new Error(`the ${what} of ${id} does not run`);
    return program;
  };
  const organisation: Organisation = {
    id,
    rig,
    desk,
    line,
    gateway: () => running(gateway, 'gateway'),
    worker: () => running(worker, 'worker'),
    async startGateway(crash) {
      gateway = await startProgram({
        program: crash === undefined ? 'gateway/main.ts' : 'test/federation/gateway-main.ts',
        env: { ...rig.env, ...(crash === undefined ? {} : { FERRY_TEST_CRASH: crash }) },
        ready: /"ready":true/,
      });
      const url = /"url":"http:\/\/127\.0\.0\.1:(\d+)"/.exec(gateway.stdout());
      line.aim(Number(url?.[1]));
      return gateway;
    },
    async startWorker(limits, crash) {
      worker = await rig.spawnWorker(limits, crash);
      return worker;
    },
    ferry: (...args) => organisation.ferryWith({}, ...args),
    async ferryWith(env, ...args) {
      const program = await startProgram({ program: 'bin/ferry.js', args, env: { ...rig.env, ...env } });
      const ended = await program.ended;
      return { ...ended, out: program.stdout(), err: program.stderr() };
    },
    async close() {
      await gateway?.stop();
      await rig.close();
      await line.close();
    },
  };
  await organisation.startGateway();
  await organisation.startWorker();
  await rig.live();
  return organisation;
}

export type PairOptions = {
  /** Another instance of the supplier than the one it is named after. */
  readonly at?: string;
  readonly customer?: Record<string, unknown>;
  readonly supplier?: Record<string, unknown>;
};

/** Pairs them with the command line, as their operators would, and gives each side plain settings. The link's id is returned; it is the same at both. */
export async function pair(
  customer: Organisation,
  supplier: Organisation,
  settings: PairOptions = {},
): Promise<string> {
  const { at = supplier.id } = settings;
  const link = `${customer.id}-${at}`;
  const invited = await supplier.ferry('link', 'invite', '--as', 'supplier', '--instance', at, '--link', link);
  const code = /\bferry_[\w-]+/.exec(invited.out)?.[0];
  if (invited.code !== 0 || code === undefined) throw new Error(`no invitation: ${invited.out}${invited.err}`);
  const accepted = await customer.ferry('link', 'accept', code, '--instance', customer.id, '--link', link);
  if (accepted.code !== 0) throw new Error(`not accepted: ${accepted.out}${accepted.err}`);
  await set(customer, link, 'customer', settings.customer);
  await set({ id: at, rig: supplier.rig }, link, 'supplier', settings.supplier);
  return link;
}

/** A new version of the organisation's own settings on the link. */
export async function set(
  { id, rig }: Pick<Organisation, 'id' | 'rig'>,
  link: string,
  side: 'customer' | 'supplier',
  over: Record<string, unknown> = {},
): Promise<void> {
  await rig.connection.db.transaction((tx) =>
    saveSide(tx, {
      link,
      name: side,
      instance: id,
      settings: plainSide(side, over),
      profile: null,
      own: {},
      by: 'test',
    }),
  );
}

export async function linkState({ rig }: Organisation, link: string): Promise<string | undefined> {
  const [row] = await rows<{ state: string }>(rig.connection.db, sql`select state from links where id = ${link}`);
  return row?.state;
}

/** The settings of the customer's side of a link that let its end users see what arrives. */
export const visibleToUsers = { inbound: { actions: [{ from: 'Note', to: 'Note', audience: 'user' }] } };

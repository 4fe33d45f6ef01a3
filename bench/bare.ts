/** (a) One Temporal workflow with one HTTP activity, and nothing else. */
import { Client as TemporalClient, Connection as TemporalConnection } from '@temporalio/client';
import { startChild } from './child.ts';
import { desk } from './federation.ts';
import { pause } from './load.ts';
import { percentiles, type Percentiles } from './numbers.ts';
import type { Services } from './services.ts';

export type Bare = {
  /** Returns the number of workflows per second. */
  load(options: { readonly seconds: number; readonly warmUp: number }): Promise<number>;
  oneByOne(seconds: number): Promise<Percentiles>;
  stop(): Promise<void>;
};

const concurrent = 16;

/** Starts the bare workflow's worker. `label`: letters and digits that distinguish one start from another. */
export async function startBare(services: Services, label: string): Promise<Bare> {
  const stops: (() => Promise<unknown>)[] = [];
  const stop = async (): Promise<void> => {
    for (const one of stops.toReversed()) await one();
  };
  try {
    const { client } = await desk('bare', stops);
    const [ticket = ''] = await client.open(1);
    const namespace = await services.namespace(label);
    const worker = await startChild({
      program: 'bench/programs/bare.ts',
      args: [services.temporal, namespace, client.url],
    });
    stops.push(() => worker.stop());
    const connection = await TemporalConnection.connect({ address: services.temporal });
    stops.push(() => connection.close());
    const temporal = new TemporalClient({ connection, namespace });
    let started = 0;
    const one = async (): Promise<void> => {
      started += 1;
      await temporal.workflow.execute('bare', {
        taskQueue: 'bare',
        workflowId: `bare/${started}`,
        args: [ticket, `<p>Note ${started}.</p>`],
      });
    };
    return {
      stop,
      async load({ seconds, warmUp }) {
        let ended = 0;
        let over = false;
        const loops = Promise.all(
          Array.from({ length: concurrent }, async () => {
            while (!over) {
              await one();
              ended += 1;
            }
          }),
        );
        await Promise.race([pause(warmUp * 1000), loops]);
        const [from, at] = [ended, performance.now()];
        await Promise.race([pause(seconds * 1000), loops]);
        const perSecond = ((ended - from) * 1000) / (performance.now() - at);
        over = true;
        await loops;
        return perSecond;
      },
      async oneByOne(seconds) {
        const times: number[] = [];
        for (const until = performance.now() + seconds * 1000; performance.now() < until;) {
          const begun = performance.now();
          await one();
          times.push(performance.now() - begun);
        }
        return percentiles(times);
      },
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

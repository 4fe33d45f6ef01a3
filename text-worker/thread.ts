/** The thread: runs one order after another, and knows nothing else of Ferry. */
import { parentPort } from 'node:worker_threads';
import { work, type Answer, type Order } from './work.ts';

parentPort?.on('message', ({ id, name, given }: Order) => {
  let answer: Answer;
  try {
    answer = { id, result: (work[name] as (...given: readonly unknown[]) => unknown)(...given) };
  } catch (error) {
    answer = { id, failed: error instanceof Error ? error.message : 'failed' };
  }
  parentPort?.postMessage(answer);
});
parentPort?.postMessage({ ready: true });

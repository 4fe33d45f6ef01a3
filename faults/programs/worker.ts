/**
 * A worker for light desks that can be made to fail. `FERRY_TEST_FAULTS` is a directory that the bench writes to: while
 * the file `no-names` exists, no name resolves; the file `clock` holds by how many milliseconds this worker's clock is
 * ahead. With `FERRY_TEST_POINT` = `freeze-before-send:TEXT` and the like, the worker stops or kills itself once, at
 * that point of a write whose note contains the text.
 */
import dns from 'node:dns';
import { existsSync, readFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';

const directory = process.env['FERRY_TEST_FAULTS'] ?? '';
if (directory !== '') {
  loseNames(join(directory, 'no-names'));
  stepClock(join(directory, 'clock'));
}
// Imported only now, because these modules use `lookup` and `Date` as they find them.
const { run } = await import('./work.ts');
await run();

type Answer = (error: Error) => void;

function loseNames(flag: string): void {
  const found = dns.lookup as (...args: unknown[]) => void;
  const lookup = (...args: unknown[]): void => {
    if (!existsSync(flag)) return found(...args);
    const answer = args.at(-1) as Answer;
    setTimeout(() => answer(Object.assign(new Error('getaddrinfo EAI_AGAIN'), { code: 'EAI_AGAIN' })), 5);
  };
  Object.assign(dns, { lookup });
  syncBuiltinESMExports();
}

function stepClock(file: string): void {
  const RealDate = Date;
  let aheadMs = 0;
  const look = (): void => {
    try {
      aheadMs = Number(readFileSync(file, 'utf8'));
    } catch {
      aheadMs = 0;
    }
  };
  look();
  setInterval(look, 100).unref();
  const now = (): number => RealDate.now() + aheadMs;
  globalThis.Date = new Proxy(RealDate, {
    construct: (target, given, newTarget) =>
      Reflect.construct(target, given.length === 0 ? [now()] : given, newTarget) as object,
    get: (target, name, receiver) => (name === 'now' ? now : (Reflect.get(target, name, receiver) as unknown)),
  });
}

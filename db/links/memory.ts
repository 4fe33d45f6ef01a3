/**
 * Checks that the database has not lost anything: at the start of a process, while it runs, and before it writes. A
 * process that finds it reset to an earlier state quarantines all links, so that nothing is written twice.
 */
import type { Client } from '#db/base/client.ts';
import { beat, type Generation } from './generations.ts';
import { beginHere, type Testimony } from './identity.ts';

export type MemoryDeps = {
  readonly db: Client;
  readonly publicUrl: string | undefined;
  readonly witness: {
    read(): Promise<readonly Testimony[]>;
    write(testimony: Testimony): Promise<void>;
    forget(testimony: Testimony): Promise<void>;
  };
  readonly log: { warn(detail: object, text: string): void };
  /** Milliseconds by the wall clock, and by the monotonic clock. */
  readonly clock?: () => { readonly wall: number; readonly running: number };
};

const standardClock = () => ({ wall: Date.now(), running: performance.now() });

export type Memory = {
  /** Called once, before anything is carried or accepted. */
  begin(): Promise<void>;
  /** Whether the database still has what it had a second ago. If false, its links are now in quarantine. */
  isWhole(): Promise<boolean>;
  /** Records the last beat, at the end of an orderly stop. */
  end(): Promise<void>;
};

/** How often an idle process checks. Milliseconds. */
export const beatEveryMs = 30_000;
/** No write is made later than this after a check. Milliseconds. */
const freshMs = 1_000;

export function createMemory({ db, publicUrl, witness, log, clock = standardClock }: MemoryDeps): Memory {
  let own: { readonly generation: Generation; readonly fingerprint: string } | null = null;
  let asked: Promise<boolean> | null = null;
  let last = { wall: 0, running: 0 };

  const testify = async (): Promise<void> => {
    if (own === null) return;
    await witness.write({ ...own.generation, fingerprint: own.fingerprint }).catch((error: unknown) => {
      // A full disk must not stop notes; the previous witness is still there.
      log.warn(
        { err: error },
        'the witness of the database could not be written to the blob directory; check whether its disk is full',
      );
    });
  };
  const begin = async (lost: boolean): Promise<void> => {
    const at = clock();
    const begun = await beginHere(db, { publicUrl, testimonies: () => witness.read(), lost });
    own = begun;
    last = at;
    for (const link of begun.quarantined)
      log.warn(
        { link },
        'the database was restored, cloned or reset, so it may lack writes: the link is in quarantine, see ferry link resume',
      );
    await testify();
    // Processes that are still running will write theirs again.
    for (const one of begun.heard) await witness.forget(one);
  };
  const look = async (): Promise<boolean> => {
    if (own === null) return false;
    const at = clock();
    const generation = await beat(db, own.generation);
    if (generation === null) {
      await begin(true);
      return false;
    }
    own = { ...own, generation };
    await testify();
    last = at;
    return true;
  };
  const lookOnce = (): Promise<boolean> => {
    asked ??= look().finally(() => {
      asked = null;
    });
    return asked;
  };
  return {
    begin: () => begin(false),
    async isWhole() {
      // After a process was frozen, one of the two clocks has moved on.
      const now = clock();
      const [wall, running] = [now.wall - last.wall, now.running - last.running];
      if (asked === null && wall >= 0 && wall < freshMs && running < freshMs) return true;
      return lookOnce();
    },
    async end() {
      if (own !== null) await lookOnce();
    },
  };
}

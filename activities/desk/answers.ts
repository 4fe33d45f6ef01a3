/** Tells whether a desk or peer answers at all. If it does, a failure is the ticket's, file's or delivery's own. */

const withinMs = 5_000;

type Ping = (signal: AbortSignal) => Promise<void>;

/** Returns null if it answers and accepts our credentials; otherwise the error of its ping. */
export async function whyNoAnswer(ping: Ping, signal?: AbortSignal): Promise<{ readonly error: unknown } | null> {
  const late = AbortSignal.timeout(withinMs);
  try {
    await ping(signal === undefined ? late : AbortSignal.any([signal, late]));
    return null;
  } catch (error) {
    return { error };
  }
}

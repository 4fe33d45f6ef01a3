/** Whether a desk or peer answers at all: what fails while it does is the ticket's, file's or delivery's own trouble. */

const withinMs = 5_000;

type Ping = (signal: AbortSignal) => Promise<void>;

/** Null where it answers and takes our credentials; else what its ping failed with. */
export async function whyNoAnswer(ping: Ping, signal?: AbortSignal): Promise<{ readonly error: unknown } | null> {
  const late = AbortSignal.timeout(withinMs);
  try {
    await ping(signal === undefined ? late : AbortSignal.any([signal, late]));
    return null;
  } catch (error) {
    return { error };
  }
}

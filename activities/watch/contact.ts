/**
 * Records what the last contact with an instance showed: a state visible to everybody, with a reason and one line in
 * the log.
 */
import { HelpdeskError } from '#connectors/contract/errors.ts';
import { reason } from '#core/words/reasons.ts';
import type { InstanceState } from '#core/words/vocabulary.ts';
import { isOtherDesk } from '#activities/desk/which-desk.ts';
import { setInstanceState } from '#db/carry/couriers.ts';
import type { DeskRestored } from '#db/log/desk-restored.ts';
import { quarantineInstance } from '#db/log/quarantine.ts';
import type { WorkDeps } from '#activities/deps.ts';

type Contact = { readonly state: InstanceState; readonly why: string | null };

/** A desk that asks us to slow down is not down; only if it keeps doing so is that worth reporting. */
const slowDownsInARow = 3;

/** Returns true if the state changed. @param error null if it answered */
export async function noteContact(deps: WorkDeps, instance: string, error: HelpdeskError | null): Promise<boolean> {
  return note(deps, instance, error === null ? { state: 'up', why: null } : contactOf(instance, error));
}

/**
 * Records a failed look at the feed, for whatever reason: nothing of this instance is read until it works again. @param
 * failures failed looks in a row, including this one
 */
export async function noteFailedLook(
  deps: WorkDeps,
  instance: string,
  error: unknown,
  failures: number,
): Promise<void> {
  if (error instanceof HelpdeskError) {
    if (error.class === 'slow-down' && failures < slowDownsInARow) return;
    await note(deps, instance, contactOf(instance, error));
  } else if (error instanceof Error && error.name === 'SecretError')
    // Its message names the key and what to do, and nothing secret.
    await note(deps, instance, { state: 'key', why: error.message });
  else if (!isOurDatabase(error)) {
    const name = error instanceof Error ? error.name : typeof error;
    const detail = `Reading it failed unexpectedly (${name}); the worker's log has more.`;
    await note(deps, instance, { state: 'down', why: reason('trouble', { desk: instance, detail }).text });
  }
}

function contactOf(instance: string, error: HelpdeskError): Contact {
  if (isOtherDesk(error)) return { state: 'other', why: error.message };
  const isAuth = error.class === 'auth';
  return {
    state: isAuth ? 'auth' : 'down',
    why: reason(isAuth ? 'auth' : 'trouble', { desk: instance, detail: error.message }).text,
  };
}

/** Tells whether our own database failed. The instance's state is then unchanged, and could not be stored anyway. */
function isOurDatabase(error: unknown): boolean {
  for (let at: unknown = error; at instanceof Error; at = at.cause)
    if (at.name === 'PostgresError' || at.name === 'DrizzleQueryError') return true;
  return false;
}

/**
 * Quarantines an instance whose desk shows other actions than before: nothing is read or written there until somebody
 * has looked.
 */
export async function noteRestored(deps: WorkDeps, { instance, message }: DeskRestored): Promise<void> {
  const told = await quarantineInstance(deps.db, instance, message);
  if (told !== null) deps.log.error({ instance, state: 'quarantined' }, told);
}

/** Logs each change once. */
async function note(deps: WorkDeps, instance: string, { state, why }: Contact): Promise<boolean> {
  const changed = await setInstanceState(deps.db, instance, state, why);
  if (changed === null) return false;
  if (why === null) deps.log.info({ instance, state }, `${instance} is up`);
  else deps.log.warn({ instance, state }, why);
  // It has just answered, so its courier need not wait for the next attempt.
  if (changed.wake) deps.wake([instance]);
  return true;
}

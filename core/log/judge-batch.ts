/**
 * Decides what to do with each action of a batch from another gateway or API client. It works on values and stores
 * nothing, so that the order of the checks can be read in one place.
 */
import { createHash } from 'node:crypto';
import { canonicalConstant } from './constant.ts';
import { reason } from '#core/words/reasons.ts';
import type { Reason } from '#core/words/vocabulary.ts';
import type { LinkState, WireAction, WireResult } from '#core/wire.ts';

export type KnownAction = {
  /** Hashes of its constant part: as it arrived or, if it is ours, as it was sent. */
  readonly hashes: readonly string[];
  /** It arrived on this lane; false if it came another way. */
  readonly here: boolean;
};

export type LaneNow = {
  readonly linkState: LinkState;
  /** Display name of our desk, for reasons. */
  readonly desk: string;
  /** An API client assigns its seqs itself; a gateway whose seqs go back was restored or cloned. */
  readonly senderIsGateway: boolean;
  /** The highest seq of this lane that was accepted. */
  readonly accepted: number;
  /** All actions of the batch that are known, by action id. */
  readonly known: ReadonlyMap<string, KnownAction>;
  /** Digests of files that are stored here and that this link may see. */
  readonly files: ReadonlySet<string>;
  /** Faults found earlier, by position in the batch, such as an invalid signature. */
  readonly faults: ReadonlyMap<number, Reason>;
  /** Why nothing new may be opened on this ticket, if the action would open a mirror. */
  readonly mayNotOpen: Reason | null;
  /** New ids of actions that are known under another id: their sender was restored and has read them again. */
  readonly again: ReadonlySet<string>;
  /** How many more actions of this link may wait here to be carried. */
  readonly room: number;
  /** Whether the action's origin or via names the receiving instance. */
  passedUs(action: WireAction): boolean;
};

export type Taken = {
  readonly action: WireAction;
  /** The canonical constant part and its SHA-256. */
  readonly text: string;
  readonly hash: string;
  /** It is already in the log; it came another way. */
  readonly logged: boolean;
  /** The same action is in the log under another id. */
  readonly again: boolean;
};

export type Judged = {
  readonly results: readonly WireResult[];
  readonly taken: readonly Taken[];
  readonly accepted: number;
  /** The sender's seq went back: it was restored from a backup, or cloned. */
  readonly senderWentBack: boolean;
};

const soonMs = 1_000;
const laterMs = 60_000;

export function judgeBatch(actions: readonly WireAction[], lane: LaneNow): Judged {
  const results: WireResult[] = [];
  const taken: Taken[] = [];
  const known = new Map(lane.known);
  /**
   * Origins by action id. Each origin mints its own ids, so a second action with the same id waits for the next batch.
   */
  const origins = new Map<string, string>();
  let { accepted } = lane;
  // An action refused in this batch leaves no gap before the next one.
  let passed = accepted;
  let senderWentBack = false;
  for (const [place, action] of actions.entries()) {
    const { id } = action.constant;
    const { seq } = action;
    const text = canonicalConstant(action.constant as Parameters<typeof canonicalConstant>[0]);
    const hash = createHash('sha256').update(text).digest('hex');
    if ((origins.get(id) ?? action.constant.origin) !== action.constant.origin) {
      results.push({ id, seq, status: 'deferred', reason: reason('gap'), retryAfterMs: soonMs });
      break;
    }
    origins.set(id, action.constant.origin);
    const before = known.get(id);
    if (before?.here === true && before.hashes.includes(hash)) {
      results.push({ id, seq, status: 'duplicate' });
      continue;
    }
    const why =
      before !== undefined && !before.hashes.includes(hash) ? reason('constant-differs') : refusal(action, place, lane);
    if (why !== null) {
      results.push({ id, seq, status: 'refused', reason: why });
      passed = Math.max(passed, seq);
      continue;
    }
    const wait = deferral(action, lane, { accepted, passed, taken: taken.length });
    if (wait !== null) {
      results.push({ id, seq, ...wait });
      if (wait.status === 'refused') continue;
      senderWentBack = wait.reason.code === 'seq-taken';
      break;
    }
    results.push({ id, seq, status: 'accepted' });
    taken.push({ action, text, hash, logged: before !== undefined, again: lane.again.has(id) });
    known.set(id, { hashes: [hash], here: true });
    accepted = Math.max(accepted, seq);
    passed = Math.max(passed, seq);
  }
  return { results, taken, accepted, senderWentBack };
}

/** Refuses for good: sending the action again changes nothing. */
function refusal(action: WireAction, place: number, lane: LaneNow): Reason | null {
  const fault = lane.faults.get(place);
  if (fault !== undefined) return fault;
  if (lane.passedUs(action)) return reason('origin', { desk: lane.desk });
  if (lane.linkState === 'closing' || lane.linkState === 'closed') return reason('link-closed', { desk: lane.desk });
  return lane.mayNotOpen;
}

type Wait = { readonly status: 'deferred' | 'refused'; readonly reason: Reason; readonly retryAfterMs?: number };

/** Progress through the batch. */
type SoFar = { readonly accepted: number; readonly passed: number; readonly taken: number };

function deferral(action: WireAction, lane: LaneNow, { accepted, passed, taken }: SoFar): Wait | null {
  const { linkState, desk } = lane;
  const isBehind = action.seq <= accepted && !action.late;
  // Even in quarantine the sender learns that its seq went back: both sides have to resume then.
  if (linkState !== 'active' && !(isBehind && linkState === 'quarantined')) {
    const code =
      linkState === 'quarantined' || linkState === 'pairing' ? (`link-${linkState}` as const) : 'link-suspended';
    return { status: 'deferred', reason: reason(code, { desk }), retryAfterMs: laterMs };
  }
  if (isBehind) {
    const why = reason('seq-taken', { expected: String(accepted + 1) });
    if (!lane.senderIsGateway) return { status: 'refused', reason: why };
    return { status: 'deferred', reason: why, retryAfterMs: laterMs };
  }
  if (action.seq > accepted && (action.after > passed || action.seq <= action.after)) {
    return { status: 'deferred', reason: reason('gap'), retryAfterMs: soonMs };
  }
  if (taken >= lane.room) {
    return { status: 'deferred', reason: reason('too-many-waiting', { desk }), retryAfterMs: laterMs };
  }
  const missing = action.constant.attachments.find(({ sha256 }) => !lane.files.has(sha256));
  if (missing === undefined) return null;
  return { status: 'deferred', reason: reason('attachment-missing', { name: missing.name }), retryAfterMs: soonMs };
}

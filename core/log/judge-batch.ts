/**
 * What becomes of each action of a batch from another gateway or client: a rule over values, so that the order of the
 * checks can be read in one place. Nothing is stored here.
 */
import { createHash } from 'node:crypto';
import { canonicalConstant } from './constant.ts';
import { reason } from '#core/words/reasons.ts';
import type { Reason } from '#core/words/vocabulary.ts';
import type { LinkState, WireAction, WireResult } from '#core/wire.ts';

export type KnownAction = {
  /** Of its constant part: as it came, or, where it is ours, as it was sent. */
  readonly hashes: readonly string[];
  /** It came by this very lane; else by another way. */
  readonly here: boolean;
};

export type LaneNow = {
  readonly linkState: LinkState;
  /** Display name of our desk, for texts. */
  readonly desk: string;
  /** An in-house tool counts its seqs by hand; a gateway that counts wrongly was restored or cloned. */
  readonly senderIsGateway: boolean;
  /** The highest seq of this lane that was taken in. */
  readonly accepted: number;
  /** By action id, of all that the batch names. */
  readonly known: ReadonlyMap<string, KnownAction>;
  /** Digests whose bytes are here and may be seen by this link. */
  readonly files: ReadonlySet<string>;
  /** Found wrong before, by place in the batch: a signature that does not fit. */
  readonly faults: ReadonlyMap<number, Reason>;
  /** Why nothing new may begin on this ticket, where it would open a mirror. */
  readonly mayNotOpen: Reason | null;
  /** Ids that are new, of actions that are known under another: their sender was restored and has read them again. */
  readonly again: ReadonlySet<string>;
  /** How many more of this link may wait here to be carried. */
  readonly room: number;
  /** Whether the receiving instance is named in its origin or via. */
  passedUs(action: WireAction): boolean;
};

export type Taken = {
  readonly action: WireAction;
  /** The canonical constant part, and its SHA-256. */
  readonly text: string;
  readonly hash: string;
  /** It is in the log already, by another way. */
  readonly logged: boolean;
  /** The same is in the log under another id. */
  readonly again: boolean;
};

export type Judged = {
  readonly results: readonly WireResult[];
  readonly taken: readonly Taken[];
  readonly accepted: number;
  /** The sender's count went back: it was restored from a backup, or cloned. */
  readonly senderWentBack: boolean;
};

const soonMs = 1_000;
const laterMs = 60_000;

export function judgeBatch(actions: readonly WireAction[], lane: LaneNow): Judged {
  const results: WireResult[] = [];
  const taken: Taken[] = [];
  const known = new Map(lane.known);
  /** By id: ids are each origin's own, and the second of one id in a batch comes with the next one. */
  const origins = new Map<string, string>();
  let { accepted } = lane;
  // What was refused in this batch leaves no gap before what follows it.
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

/** For good: sending it again changes nothing. */
function refusal(action: WireAction, place: number, lane: LaneNow): Reason | null {
  const fault = lane.faults.get(place);
  if (fault !== undefined) return fault;
  if (lane.passedUs(action)) return reason('origin', { desk: lane.desk });
  if (lane.linkState === 'closing' || lane.linkState === 'closed') return reason('link-closed', { desk: lane.desk });
  return lane.mayNotOpen;
}

type Wait = { readonly status: 'deferred' | 'refused'; readonly reason: Reason; readonly retryAfterMs?: number };

/** How far the batch has come. */
type SoFar = { readonly accepted: number; readonly passed: number; readonly taken: number };

function deferral(action: WireAction, lane: LaneNow, { accepted, passed, taken }: SoFar): Wait | null {
  const { linkState, desk } = lane;
  const isBehind = action.seq <= accepted && !action.late;
  // In quarantine too the sender hears that it went back: both sides have to resume then.
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

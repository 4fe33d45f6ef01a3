/** The people at the desks. They do what the plan says, when it says, and the journal records it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { chance } from './chance.ts';
import { digest, fileOf } from './desk/serve.ts';
import type { NewAction } from './desk/records.ts';
import { deskOf, farsOf, field, nearOf, type Journal, type Message, type Talk } from './journal.ts';
import type { Deed, Plan } from './plan.ts';
import type { World } from './world.ts';

/** Resolves once the last deed is done, or when the signal aborts. */
export async function peopleAct(world: World, plan: Plan, journal: Journal, signal: AbortSignal): Promise<void> {
  const begunMs = Date.now();
  for (const deed of plan.deeds) {
    const waitMs = begunMs + deed.atMs - Date.now();
    if (waitMs > 0) await sleep(waitMs, undefined, { signal }).catch(() => {});
    if (signal.aborted) return;
    if (deed.what === 'escalate') escalate(world, deed, journal);
    else act(deed, journal, plan.seed);
  }
}

export function escalate(world: World, { among, token }: Pick<Deed, 'among' | 'token'>, journal: Journal): Talk {
  const pair = world.pairs[among % world.pairs.length];
  if (pair === undefined) throw new Error('there is no link');
  const { records } = pair.customer;
  const ticket = records.open({ summary: `Ticket ${token}`, description: 'It does not work.', byService: false });
  // Recorded in the journal before anybody can learn of it.
  const talk: Talk = { token, pair, ticket: ticket.id };
  journal.talks.push(talk);
  records.act(ticket, { kind: 'Escalate', note: said(token, 'Please help.'), visible: false });
  return talk;
}

function act(deed: Deed, journal: Journal, seed: number): void {
  const talk = journal.talks[deed.among % journal.talks.length];
  if (talk === undefined) return;
  // Nobody can write on a ticket that does not exist yet.
  const [far] = deed.side === 'far' ? farsOf(talk) : [];
  const side = far === undefined ? 'near' : 'far';
  const ticket = far ?? nearOf(talk);
  if (ticket === undefined) return;
  const { token, status, what } = deed;
  const atMs = Date.now();
  const keep = (more: Pick<Message, 'what' | 'sha256'>): void =>
    void journal.said.push({ token, talk, side, atMs, ...more });
  const set = (changed: 'status' | 'field', value: string): void =>
    void journal.set.push({ talk, side, what: changed, value, atMs });
  const by: NewAction = { author: side === 'near' ? 'Ann' : 'Bob', by: 'agent' };
  const note = said(token, `${side === 'near' ? 'Ann' : 'Bob'} says`);
  const { records } = deskOf(talk, side);
  switch (what) {
    case 'private':
      keep({ what: 'private' });
      records.act(ticket, { ...by, kind: 'Private', note, visible: false });
      return;
    case 'file': {
      const bytes = randomBytes(deed.bytes, seed, token);
      keep({ what: 'file', sha256: digest(bytes) });
      records.act(ticket, { ...by, note, files: [fileOf(`f-${token}`, `${token}.bin`, bytes)] });
      return;
    }
    case 'status':
      set('status', status);
      records.act(ticket, { ...by, note: null, status });
      return;
    case 'field':
      set('field', token);
      records.act(ticket, { ...by, note: null, fields: { [field]: token } });
      return;
    case 'note-status':
      keep({ what: 'note' });
      set('status', status);
      records.act(ticket, { ...by, note, status });
      return;
    default:
      keep({ what: 'note' });
      records.act(ticket, { ...by, note });
  }
}

/** Adds one more note to a conversation after everything else, to see whether anything still arrives. */
export function probe(talk: Talk, side: 'near' | 'far', token: string): boolean {
  const ticket = side === 'near' ? nearOf(talk) : farsOf(talk)[0];
  if (ticket === undefined) return false;
  deskOf(talk, side).records.act(ticket, { author: 'Eve', by: 'agent', note: said(token, 'Is anybody there?') });
  return true;
}

function said(token: string, words: string): string {
  return `<p>${words} «${token}»</p>`;
}

function randomBytes(count: number, seed: number, name: string): Buffer {
  const draw = chance(seed, `file ${name}`);
  return Buffer.from(Array.from({ length: count }, () => draw.below(256)));
}

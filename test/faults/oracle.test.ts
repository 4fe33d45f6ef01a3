/** The oracle of the fault bench against desks on which a clumsy Ferry, played by hand, has erred. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { FaultTicket, NewAction } from '#faults/desk/records.ts';
import { digest, fileOf, startFaultDesk, type FaultDesk } from '#faults/desk/serve.ts';
import { emptyJournal, farsOf, nearOf, type Journal, type Message, type Talk } from '#faults/journal.ts';
import { countsOf, type Sort } from '#faults/oracle/findings.ts';
import { judge } from '#faults/oracle/judge.ts';
import { missing } from '#faults/oracle/missing.ts';
import type { Pair } from '#faults/world.ts';

/** Acme and North, and Cork that has nothing to do with them. */
let desks: readonly FaultDesk[] = [];
let pair: Pair;
let journal: Journal;
let talk: Talk;
let near: FaultTicket;
let far: FaultTicket;

before(async () => {
  desks = await Promise.all(['acme', 'north', 'cork'].map((id) => startFaultDesk({ id, seed: 1 })));
});
after(async () => {
  await Promise.all(desks.map((desk) => desk.close()));
});

function desk(n: number): FaultDesk {
  return desks[n] as FaultDesk;
}

/** A fresh conversation, opened as it should be. */
function begin(lossy = false): void {
  for (const one of desks) one.records.restore({ tickets: [], feed: [], next: 1 });
  journal = emptyJournal();
  pair = { link: 'acme-north', customer: desk(0), supplier: desk(1), lossy };
  near = desk(0).records.open({ summary: 'x', description: 'x', byService: false });
  talk = { token: 'e1', pair, ticket: near.id };
  journal.talks.push(talk);
  far = desk(1).records.open({ summary: 'x', description: '<p>Help «e1»</p>', byService: true });
  desk(0).records.refer(near, far.id);
}

type Side = 'near' | 'far';

function say(side: Side, token: string, more: Partial<Message> & NewAction = {}): void {
  const { what = 'note', sha256, ...action } = more;
  journal.said.push({ token, talk, side, what, atMs: Date.now(), ...(sha256 === undefined ? {} : { sha256 }) });
  at(side).records.act(side === 'near' ? near : far, { note: `«${token}»`, visible: what !== 'private', ...action });
}

/** What Ferry writes. */
function write(side: Side, action: NewAction, ticket = side === 'near' ? near : far): void {
  at(side).records.act(ticket, { by: 'service', visible: side === 'far', ...action });
}

function set(side: Side, what: 'status' | 'field', value: string): void {
  journal.set.push({ talk, side, what, value, atMs: Date.now() });
  const changed = what === 'status' ? { status: value } : { fields: { Ref: value } };
  at(side).records.act(side === 'near' ? near : far, { note: null, ...changed });
}

function at(side: Side): FaultDesk {
  return side === 'near' ? pair.customer : pair.supplier;
}

/** How many of each sort are found; those that are 0 left out. */
function found(passed: readonly string[] = []): Partial<Record<Sort, number>> {
  const findings = judge({ journal, desks, left: missing(journal), passed: new Set(passed) });
  return Object.fromEntries(Object.entries(countsOf(findings)).filter(([, count]) => count > 0));
}

describe('the oracle of the fault bench', () => {
  it('finds nothing where everything arrived once, in order, and both desks agree', () => {
    begin();
    const bytes = Buffer.from('hello');
    say('near', 'a1');
    say('far', 'b1');
    say('near', 'a2', { what: 'file', sha256: digest(bytes) });
    say('near', 'a3', { what: 'private' });
    set('near', 'status', 'waiting');
    set('far', 'field', 'r1');
    write('near', { note: '«b1»' });
    write('far', { note: '«a1»' });
    write('far', { note: '«a2»', files: [fileOf('f', 'a.bin', bytes)] });
    write('far', { note: null, status: 'waiting' });
    write('near', { note: null, fields: { Ref: 'r1' } });
    write('near', { note: 'North could not take this.', visible: false });
    assert.deepEqual(found(), {});
  });

  it('calls something stuck if it has not arrived, and lost if later things have arrived', () => {
    begin();
    say('near', 'a1');
    say('far', 'b1');
    assert.deepEqual(found(), { stuck: 2 });
    assert.deepEqual(found(['e1/near']), { lost: 1, stuck: 1 });
  });

  it('calls lost a file that arrives without its bytes', () => {
    begin();
    say('near', 'a1', { what: 'file', sha256: digest(Buffer.from('hello')) });
    write('far', { note: '«a1»', files: [fileOf('f', 'a.bin', Buffer.from('hell'))] });
    assert.deepEqual(found(), { lost: 1 });
  });

  it('finds what is there twice, what came back, and a ticket that was opened twice or for nobody', () => {
    begin();
    say('near', 'a1');
    write('far', { note: '«a1»' });
    write('far', { note: '«a1»' });
    assert.deepEqual(found(), { doubled: 1 });
    write('near', { note: '«a1»' });
    assert.deepEqual(found(), { doubled: 2 });
    desk(1).records.open({ summary: 'x', description: '«e1»', byService: true });
    assert.deepEqual(found(), { doubled: 3 });
    desk(1).records.open({ summary: 'x', description: 'about nothing', byService: true });
    assert.deepEqual(found(), { doubled: 4 });
  });

  it('finds a wrong order, and text on a ticket where it was not written', () => {
    begin();
    say('near', 'a1');
    say('near', 'a2');
    write('far', { note: '«a2»' });
    write('far', { note: '«a1»' });
    assert.deepEqual(found(), { misplaced: 1 });
    const other = desk(1).records.open({ summary: 'x', description: 'a person’s own', byService: false });
    write('far', { note: '«a1»' }, other);
    assert.deepEqual(found(), { misplaced: 2 });
  });

  it('finds a private note that left, one that came to a third desk, and what is public by nobody’s wish', () => {
    begin();
    say('near', 'a1', { what: 'private' });
    write('far', { note: '«a1»' });
    assert.deepEqual(found(), { leaked: 1 });
    say('near', 'a2');
    write('far', { note: '«a2»' });
    const third = desk(2).records.open({ summary: 'x', description: 'x', byService: false });
    desk(2).records.act(third, { by: 'service', note: '«a2»' });
    assert.deepEqual(found(), { leaked: 2 });
    say('far', 'b1');
    write('near', { note: '«b1»', visible: true });
    assert.deepEqual(found(), { leaked: 3 });
  });

  it('finds desks that differ, a value that nobody set, and an older value in the place of the newest', () => {
    begin();
    set('near', 'status', 'waiting');
    assert.deepEqual(found(), { changed: 1 });
    write('far', { note: null, status: 'waiting' });
    assert.deepEqual(found(), {});
    write('far', { note: null, status: 'working' });
    write('near', { note: null, status: 'working' });
    // Nobody set it at either desk, and it is not the value set last.
    assert.deepEqual(found(), { changed: 3 });
  });

  it('lets a desk with fewer statuses call several of the other’s the same', () => {
    begin(true);
    set('near', 'status', 'working');
    assert.deepEqual(found(), {});
    write('far', { note: null, status: 'working' });
    assert.deepEqual(found(), { changed: 1 });
  });

  it('waits for everything that people did', () => {
    begin();
    say('near', 'a1');
    set('far', 'field', 'r1');
    assert.deepEqual(
      missing(journal).map(({ token, differs }) => token ?? differs),
      [true, 'a1'],
    );
    assert.equal(nearOf(talk), near);
    assert.deepEqual(farsOf(talk), [far]);
  });
});

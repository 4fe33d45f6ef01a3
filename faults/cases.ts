/**
 * Directed cases: for each promise that was once broken, the shortest sequence of events that broke it. Each is also a
 * test of `npm test`; `--case NAME` runs it alone.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';

export type DirectedCase = {
  readonly name: string;
  /** What happens, for people to read. */
  readonly says: string;
  /** Path below test/. */
  readonly file: string;
  /** Part of the name of the test or of its group. */
  readonly test: string;
};

export const cases: readonly DirectedCase[] = [
  {
    name: 'late-replica',
    says: 'a desk confirms a status and shows the ticket as it was before',
    file: 'federation/late-replica.test.ts',
    test: 'a desk whose replica is a moment late',
  },
  {
    name: 'older-reading',
    says: 'a worker hangs between reading a ticket and logging it, while another reads and logs',
    file: 'db/log/older-reading.test.ts',
    test: 'makes nobody change again, with the next note',
  },
  {
    name: 'overlapping-readings',
    says: 'two workers read a ticket at once, and the older reading is stored last',
    file: 'db/log/older-reading.test.ts',
    test: 'leaves the ticket as the newer one has shown it',
  },
  {
    name: 'note-before-receipt',
    says: 'somebody writes on a ticket that another gateway has just opened, ahead of the receipt that names it',
    file: 'core/conversation/decide.test.ts',
    test: 'may be ahead of the receipt that names it',
  },
  {
    name: 'clock-of-assertions',
    says: 'a gateway’s clock is wrong by minutes when it asks another one for a token',
    file: 'protocols/ferry/tokens.test.ts',
    test: 'seconds ahead of ours is not taken for a wrong key',
  },
  {
    name: 'clock-of-a-worker',
    says: 'a worker’s clock jumps while it measures those of desks',
    file: 'telemetry/metrics.test.ts',
    test: 'a process whose own has jumped measures the same',
  },
  {
    name: 'hidden-escalation',
    says: 'a ticket is escalated and is not there, as its desk says, when it is read for the first time',
    file: 'federation/positions.test.ts',
    test: 'when it is read for the first time may be there in a moment',
  },
  {
    name: 'clock-back-at-go-live',
    says: 'a desk’s clock jumps back behind go-live while a ticket is written on that nobody has read yet',
    file: 'core/log/recognise.test.ts',
    test: 'puts nothing before go-live that has a higher id than what is after it',
  },
  {
    name: 'undone-by-us',
    says: 'a person sets another status right after ours',
    file: 'federation/meet.test.ts',
    test: 'a person’s change right after our write stays',
  },
  {
    name: 'conflict',
    says: 'both sides set the same status while nothing travels',
    file: 'federation/meet.test.ts',
    test: 'which is newer, at both desks',
  },
  {
    name: 'conflict-between-gateways',
    says: 'both organisations set the same status while the line between their gateways is down',
    file: 'federation/gateways.test.ts',
    test: 'which is newer, where both set the same before they met',
  },
  {
    name: 'split-echo',
    says: 'a desk records a note’s status as a second action, read in between',
    file: 'db/log/own-writes.test.ts',
    test: 'is also what the desk records of it a moment later',
  },
  {
    name: 'restore-database',
    says: 'the database of a hub is restored from a backup',
    file: 'federation/hub-restore.test.ts',
    test: 'a hub whose database is restored',
  },
  {
    name: 'freeze-before-send',
    says: 'a worker is frozen between its promise and its request, and thaws when another has written',
    file: 'waiting/zombie.test.ts',
    test: 'a worker that is frozen before its write has left',
  },
  {
    name: 'absent-unfenced',
    says: 'a drain that was overtaken speaks of a promise that its successor has made',
    file: 'db/carry/overtaken.test.ts',
    test: 'what a drain says that was overtaken',
  },
  {
    name: 'half-go-live',
    says: 'the second of two statements of go-live fails',
    file: 'db/carry/couriers.test.ts',
    test: 'go-live: a feed has its position only together with the floor',
  },
  {
    name: 'half-told',
    says: 'a worker dies after it has claimed what is overdue',
    file: 'db/carry/couriers.test.ts',
    test: 'an overdue escalation is claimed, announced and noted on its ticket',
  },
  {
    name: 'lost-hint',
    says: 'PostgreSQL crashes while a reading is put off',
    file: 'db/log/put-off.test.ts',
    test: 'is kept through a crash of the database',
  },
  {
    name: 'purged-echo',
    says: 'our own note is read again after its id was tidied away',
    file: 'db/log/own-writes.test.ts',
    test: 'is known as long as a read may meet it',
  },
  {
    name: 'hanging-file',
    says: 'downloads never answer',
    file: 'waiting/hanging-file.test.ts',
    test: 'files that never come',
  },
  {
    name: 'breaker-in-one-batch',
    says: 'what an outage kept of both sides is logged at once',
    file: 'db/log/turns.test.ts',
    test: 'what an outage kept for half an hour',
  },
  {
    name: 'two-people-in-haste',
    says: 'two people answer each other every few seconds',
    file: 'db/log/turns.test.ts',
    test: 'passes to and fro between two people every few seconds',
  },
  {
    name: 'swallowed-database',
    says: 'one worker’s line to the database is silent',
    file: 'waiting/take-over.test.ts',
    test: 'cut off from the database',
  },
  {
    name: 'frozen-worker',
    says: 'one worker of two is frozen',
    file: 'waiting/take-over.test.ts',
    test: 'frozen, it is taken over as fast',
  },
  {
    name: 'stopped-worker',
    says: 'a worker is stopped in order while it writes',
    file: 'waiting/take-over.test.ts',
    test: 'has handed its couriers over within a second',
  },
  {
    name: 'zombie',
    says: 'a worker hangs after it has sent a write, and wakes up again',
    file: 'waiting/zombie.test.ts',
    test: 'finds its courier taken over',
  },
  {
    name: 'partition-under-backup',
    says: 'a month’s partition is made while a dump reads the table',
    file: 'db/operate/partitions.test.ts',
    test: 'are made another day while a dump reads the table',
  },
  {
    name: 'partition-after-clock-jump',
    says: 'a row dated ahead is in the default partition',
    file: 'db/operate/partitions.test.ts',
    test: 'although a clock that was wrong has put something into them',
  },
  {
    name: 'version-skew',
    says: 'workers with another code of the workflows start beside the old ones',
    file: 'workflows/versions.test.ts',
    test: 'a new version of the workflows’ code, under load',
  },
  {
    name: 'poison-feed',
    says: 'one ticket can’t be read',
    file: 'federation/unreadable.test.ts',
    test: 'keeps no other ticket waiting',
  },
  {
    name: 'held-after-outage',
    says: 'a desk is back after an hour, and hiccups once',
    file: 'waiting/recovery.test.ts',
    test: 'for over an hour holds nothing at the first hiccup',
  },
  {
    name: 'desk-back',
    says: 'a desk was away',
    file: 'waiting/recovery.test.ts',
    test: 'has everything soon after it is back',
  },
  {
    name: 'retry-after-years',
    says: 'a desk asks for years of peace',
    file: 'activities/desk/retry-after.test.ts',
    test: 'may say so with a date, and never for more than an hour',
  },
  {
    name: 'purge-race',
    says: 'a file is put again while it is tidied away',
    file: 'blobs/store.test.ts',
    test: 'stays if it was stored or requested again meanwhile',
  },
  {
    name: 'html-bomb',
    says: 'somebody mails megabytes of markup',
    file: 'text-worker/texts.test.ts',
    test: 'this process keeps working while a thread reads',
  },
  {
    name: 'down-is-told',
    says: 'a desk is away and every error reads differently',
    file: 'db/carry/couriers.test.ts',
    test: 'counts as away since it went away',
  },
  {
    name: 'notices-without-temporal',
    says: 'a notice is due while Temporal is away',
    file: 'worker/sweeper.test.ts',
    test: 'sends due notices',
  },
  {
    name: 'retention-leaves',
    says: 'a note’s retention is over',
    file: 'db/operate/retention.test.ts',
    test: 'leaves nothing of what was written',
  },
  {
    name: 'mapping-removed',
    says: 'a rule is missing and is restored',
    file: 'federation/replay.test.ts',
    test: 'arrives once the rule exists',
  },
  {
    name: 'lost-replies',
    says: 'a desk does the work and its answer is lost',
    file: 'federation/faults.test.ts',
    test: 'a desk that misbehaves',
  },
  {
    name: 'line-cut',
    says: 'connections between gateways break at any byte',
    file: 'activities/exchange/hand-over.test.ts',
    test: 'loses nothing and doubles nothing, wherever connections are cut',
  },
  {
    name: 'answer-that-is-none',
    says: 'a gateway answers 200 about something else',
    file: 'activities/exchange/hand-over.test.ts',
    test: 'counts a 200 only if its results are of exactly what was sent',
  },
  {
    name: 'restore-gateway',
    says: 'one of two gateways has its database restored',
    file: 'federation/gateways-restore.test.ts',
    test: 'after a database was restored from a backup',
  },
  {
    name: 'outage',
    says: 'PostgreSQL crashes, Temporal is away or has forgotten everything',
    file: 'waiting/outage.test.ts',
    test: 'the services that Ferry depends on go away and come back',
  },
];

const root = join(import.meta.dirname, '..');

/**
 * Runs the named cases.
 * @returns the exit code: 0 if all hold, 64 for an unknown name
 */
export async function runCases(names: readonly string[]): Promise<number> {
  if (names.includes('list')) {
    for (const { name, says } of cases) process.stdout.write(`${name.padEnd(28)} ${says}\n`);
    return 0;
  }
  const chosen = names.map((name) => cases.find((one) => one.name === name));
  if (chosen.includes(undefined)) {
    process.stderr.write('faults: unknown case; --case list names them all\n');
    return 64;
  }
  let code = 0;
  for (const one of chosen) if (one !== undefined && (await runCase(one)) !== 0) code = 1;
  return code;
}

function runCase({ file, test }: DirectedCase): Promise<number> {
  const pattern = test.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const args = ['--test', '--test-name-pattern', pattern, join(root, 'test', file)];
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ...args], { stdio: 'inherit' });
  return new Promise((ended) => child.once('close', (code) => ended(code ?? 1)));
}

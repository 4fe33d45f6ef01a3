/** Identifies a process by its pid and its start time together, because pids are reused. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * Returns an opaque text that is the same for the whole life of a process and differs for the next process with its pid;
 * undefined if no such process is running (a zombie counts as ended).
 */
export async function startTimeOf(pid: number): Promise<string | undefined> {
  return process.platform === 'linux' ? fromProc(pid) : fromPs(pid);
}

async function fromProc(pid: number): Promise<string | undefined> {
  try {
    const line = await readFile(`/proc/${pid}/stat`, 'utf8');
    // The second field is the name in parentheses and may hold spaces and parentheses itself.
    const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
    const [state, ticks] = [fields[0], fields[19]];
    if (state === undefined || ticks === undefined || state === 'Z' || state === 'X') return undefined;
    // Ticks count from boot, so the identity includes the boot.
    return `${await bootId()}:${ticks}`;
  } catch {
    return undefined;
  }
}

let boot: Promise<string> | undefined;

function bootId(): Promise<string> {
  boot ??= readFile('/proc/sys/kernel/random/boot_id', 'utf8').then(
    (text) => text.trim(),
    () => 'unknown-boot',
  );
  return boot;
}

async function fromPs(pid: number): Promise<string | undefined> {
  try {
    const { stdout } = await run('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], {
      env: { ...process.env, LC_ALL: 'C', TZ: 'UTC' },
    });
    const found = /^(\S+)\s+(\S.*)$/.exec(stdout.trim());
    if (found?.[1] === undefined || found[2] === undefined || found[1].startsWith('Z')) return undefined;
    return found[2].trim();
  } catch {
    return undefined;
  }
}

/** Returns when a process started, in seconds since 1970, to about a second; undefined if it is not running. */
export async function startedAt(pid: number): Promise<number | undefined> {
  const start = await startTimeOf(pid);
  if (start === undefined) return undefined;
  if (process.platform !== 'linux') {
    const ms = Date.parse(`${start} UTC`);
    return Number.isNaN(ms) ? undefined : Math.round(ms / 1000);
  }
  const boot = /^btime (\d+)$/m.exec(await readFile('/proc/stat', 'utf8'));
  const ticks = Number(start.slice(start.lastIndexOf(':') + 1));
  if (boot?.[1] === undefined || Number.isNaN(ticks)) return undefined;
  return Number(boot[1]) + Math.round(ticks / ticksPerSecond);
}

/** USER_HZ, which the kernel's interface fixes at 100 whatever its own rate is. */
const ticksPerSecond = 100;

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

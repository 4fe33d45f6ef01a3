/** CPU time of running processes, from /proc, or from ps where /proc does not exist (macOS). */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

/** The kernel's clock ticks per second in /proc. They are 100 on every Linux that Node runs on. */
const ticksPerSecond = 100;

/**
 * Measures the milliseconds of CPU time that the process has used so far; with `family`, also that of its present and
 * past children.
 */
export async function cpuMs(pid: number, family = false): Promise<number> {
  if (!existsSync('/proc/self/stat')) return (await fromPs(pid, family)) * 1000;
  const own = await stat(pid);
  if (own === null) return 0;
  let ticks = own.used + (family ? own.ofEnded : 0);
  if (family) {
    for (const name of await readdir('/proc')) {
      const other = /^\d+$/.test(name) ? await stat(Number(name)) : null;
      if (other?.parent === pid) ticks += other.used;
    }
  }
  return (ticks * 1000) / ticksPerSecond;
}

async function stat(pid: number): Promise<{ parent: number; used: number; ofEnded: number } | null> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null);
  if (text === null) return null;
  // The name in parentheses may hold anything, spaces too. The state follows it.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const at = (index: number): number => Number(fields[index - 3] ?? 0);
  return { parent: at(4), used: at(14) + at(15), ofEnded: at(16) + at(17) };
}

/** Reads seconds from [[hours:]minutes:]seconds. */
async function fromPs(pid: number, family: boolean): Promise<number> {
  const { stdout } = await promisify(execFile)('ps', ['-A', '-o', 'pid=,ppid=,time=']);
  let seconds = 0;
  for (const line of stdout.split('\n')) {
    const [own, parent, time = '0'] = line.trim().split(/\s+/);
    if (Number(own) !== pid && !(family && Number(parent) === pid)) continue;
    seconds += time.split(':').reduce((sum, part) => sum * 60 + Number(part), 0);
  }
  return seconds;
}

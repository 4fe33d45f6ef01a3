/** Memory that running processes hold, from /proc; where there is none (macOS), from ps. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

/**
 * Mebibytes of the process, and with `family` of its children too. What several processes share counts for each by its
 * part (proportional set size), so that sums are true; from ps, shared pages count several times.
 */
export async function memoryMib(pid: number, family = false): Promise<number> {
  if (!existsSync('/proc/self/smaps_rollup')) return fromPs(pid, family);
  let kib = await proportional(pid);
  if (family) {
    for (const name of await readdir('/proc')) {
      if (/^\d+$/.test(name) && (await parentOf(name)) === pid) kib += await proportional(Number(name));
    }
  }
  return kib / 1024;
}

async function proportional(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => '');
  return Number(/^Pss:\s+(\d+) kB$/m.exec(text)?.[1] ?? 0);
}

async function parentOf(pid: string): Promise<number | null> {
  const text = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  const parent = /^PPid:\s+(\d+)$/m.exec(text)?.[1];
  return parent === undefined ? null : Number(parent);
}

async function fromPs(pid: number, family: boolean): Promise<number> {
  const { stdout } = await promisify(execFile)('ps', ['-A', '-o', 'pid=,ppid=,rss=']);
  let kib = 0;
  for (const line of stdout.split('\n')) {
    const [own, parent, size = '0'] = line.trim().split(/\s+/);
    if (Number(own) === pid || (family && Number(parent) === pid)) kib += Number(size);
  }
  return kib / 1024;
}

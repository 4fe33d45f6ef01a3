/** The processor time that work took. A bound on it holds on a busy machine too; a bound on elapsed time does not. */

/** CPU time of this process so far, milliseconds. */
export function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/**
 * How many times slower this machine is at the moment than it would be for us alone: wall clock per processor time of
 * half a second of work. 1 on an idle machine.
 */
export function slowness(): number {
  const [from, cpuFrom] = [performance.now(), cpuMs()];
  while (cpuMs() - cpuFrom < 500);
  return Math.max(1, (performance.now() - from) / (cpuMs() - cpuFrom));
}

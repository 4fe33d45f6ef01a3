/** Time that work took of the processor: a bound on it holds on a busy machine too, where one on the clock does not. */

/** CPU time of this process so far, milliseconds. */
export function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

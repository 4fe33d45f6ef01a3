/** Finds ports on the loopback address. A port that the user named must be free; for others, Ferry tries the next. */
import { createServer } from 'node:net';

import { portTaken } from './errors.ts';

export type PortWish = {
  /** What listens there, for the error message. */
  readonly what: string;
  /** The option that sets it. */
  readonly option: string;
  /** The port that the user named; no other is tried. */
  readonly named?: number | undefined;
  /** Where the search begins. */
  readonly preferred: number;
};

const tries = 200;

/**
 * Chooses a port for each wish, all different.
 * @throws StandaloneError port-taken when a named port is not free
 */
export async function choosePorts(wishes: readonly PortWish[]): Promise<number[]> {
  const chosen = new Map<PortWish, number>();
  for (const wish of wishes) {
    if (wish.named === undefined) continue;
    const twice = [...chosen.values()].includes(wish.named);
    if (twice || !(await isFree(wish.named))) throw portTaken(wish.named, wish.what, wish.option);
    chosen.set(wish, wish.named);
  }
  for (const wish of wishes) {
    if (chosen.has(wish)) continue;
    chosen.set(wish, await nextFree(wish.preferred, new Set(chosen.values())));
  }
  return wishes.map((wish) => chosen.get(wish) ?? wish.preferred);
}

async function nextFree(from: number, not: ReadonlySet<number>): Promise<number> {
  for (let port = from; port < Math.min(from + tries, 65_536); port += 1) {
    if (!not.has(port) && (await isFree(port))) return port;
  }
  return anyFreePort();
}

export async function isFree(port: number): Promise<boolean> {
  try {
    await listenOnce(port);
    return true;
  } catch {
    return false;
  }
}

/** Returns a port that was free a moment ago; the caller must be ready to lose it to another program. */
export function anyFreePort(): Promise<number> {
  return listenOnce(0);
}

function listenOnce(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      const address = server.address();
      const got = typeof address === 'object' && address !== null ? address.port : port;
      server.close(() => resolve(got));
    });
  });
}

/** Returns the address of a service on this machine. */
export function local(port: number): string {
  return `http://127.0.0.1:${port}`;
}

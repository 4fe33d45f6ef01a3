/** Northwind as a real Request Tracker: installed and filled at the first start, then a child like the twins. */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { local } from '#standalone/machine/ports.ts';
import type { RunningChild, StartChild } from '#standalone/machine/children.ts';
import { keepVariables, readVariables } from '#standalone/demo/demo-desks.ts';
import type { DemoDesks } from '#standalone/demo/demo-desks.ts';
import { childFailed, codeOf, portTaken, rtNotInstalled } from '#standalone/machine/errors.ts';
import type { Ports } from '#standalone/machine/kept.ts';
import { endings } from '#standalone/machine/leftovers.ts';
import { logFile, rotateLog } from '#standalone/machine/paths.ts';
import type { Paths } from '#standalone/machine/paths.ts';
import { endBySteps, sizeOf, spawnInGroup, tailOf } from '#standalone/machine/spawned.ts';
import { unprivilegedUser } from '#standalone/machine/user.ts';

import { fillRt, rtEnvironment, rtIsInstalled, rtPackages, rtServer, setUpRt, writeSite } from './site.ts';
import type { RtSite } from './site.ts';

const readyWithinMs = 60_000;

/** The secrets for it: Ferry's token, and the password of the agent whom the demo logs in. */
export type RtAccess = { readonly token: string; readonly password: string };

/** Finds the installed RT. @throws StandaloneError rt-not-installed */
export function assertRt(): void {
  if (!rtIsInstalled()) throw rtNotInstalled(rtPackages);
}

/** Makes the site if it does not exist yet, and configures this start's addresses. */
export async function prepareRt(
  paths: Paths,
  ports: Ports,
  desks: DemoDesks,
  say: (line: string) => void,
): Promise<{ readonly site: RtSite; readonly access: RtAccess }> {
  const dir = join(paths.data, 'rt');
  const site = { dir, port: ports.northwind, runAs: await unprivilegedUser() };
  const known = await readVariables(paths.demo);
  const hookUrl = `${local(ports.gateway)}/hooks/northwind/${desks.northwind.hookSecret}`;
  const before = { token: known['NORTHWIND_TOKEN'] ?? '', password: known['NORTHWIND_AGENT_PASSWORD'] ?? '' };
  const isThere = before.token !== '' && before.password !== '' && existsSync(join(dir, 'rt.db'));
  try {
    if (!isThere) await rm(dir, { recursive: true, force: true });
    await writeSite(site);
    if (isThere) {
      await setUpRt(site, hookUrl, false);
      return { site, access: before };
    }
    say('setting up a Request Tracker for Northwind, once: about ten seconds');
    const password = randomBytes(12).toString('base64url');
    await fillRt(site, password);
    const token = await setUpRt(site, hookUrl, true);
    await keepVariables(paths.demo, { ...known, NORTHWIND_TOKEN: token, NORTHWIND_AGENT_PASSWORD: password });
    return { site, access: { token, password } };
  } catch (error) {
    if (codeOf(error) !== undefined) throw error;
    throw childFailed('northwind', (error as Error).message, logFile(paths, 'northwind'));
  }
}

export function rtChild(site: RtSite, token: string, log: string, signal: AbortSignal): StartChild<RunningChild> {
  return async (onSpawn) => {
    await rotateLog(log);
    const from = await sizeOf(log);
    const child = await spawnInGroup({
      command: rtServer,
      args: ['--server', 'Starlet', '--host', '127.0.0.1', '--port', String(site.port), '--max-workers', '3'],
      env: rtEnvironment(site.dir),
      cwd: site.dir,
      logFile: log,
      runAs: site.runAs,
    });
    const stop = (): Promise<void> => endBySteps(child, endings.northwind);
    try {
      await onSpawn(child.pid);
      const deadline = Date.now() + readyWithinMs;
      while (!(await answers(local(site.port), token))) {
        signal.throwIfAborted();
        if (child.hasEnded() || Date.now() > deadline) {
          const said = await tailOf(log, from);
          if (/address already in use/i.test(said)) throw portTaken(site.port, 'northwind', '--northwind-port');
          throw childFailed('northwind', child.hasEnded() ? 'it ended' : 'it was not ready in time', log);
        }
        await sleep(100);
      }
    } catch (error) {
      await stop();
      throw error;
    }
    return { pid: child.pid, ended: child.ended, stop };
  };
}

/** Checks the token, which another server at this port would not know. */
async function answers(url: string, token: string): Promise<boolean> {
  try {
    const reply = await fetch(`${url}/REST/2.0/rt`, {
      headers: { authorization: `token ${token}` },
      signal: AbortSignal.timeout(5_000),
    });
    await reply.text();
    return reply.status === 200;
  } catch {
    return false;
  }
}

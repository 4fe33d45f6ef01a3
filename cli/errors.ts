/** The error with which a command ends: one line for the person at the terminal, and an exit code of sysexits.h. */
import { explain } from '#operate/explain.ts';
import type { RefusalKind } from '#operate/refused.ts';
import { exitCodes } from './exit-codes.ts';

export { exitCodes };

export class CliError extends Error {
  override readonly name = 'CliError';
  readonly code: string;
  readonly exitCode: number;

  constructor(code: string, exitCode: number, message: string) {
    super(message);
    this.code = code;
    this.exitCode = exitCode;
  }
}

const exitCodeOf: Readonly<Record<RefusalKind, number>> = {
  wrong: exitCodes.usage,
  forbidden: exitCodes.no,
  unknown: exitCodes.no,
  state: exitCodes.no,
  unavailable: exitCodes.unavailable,
  setup: exitCodes.config,
};

export type Told = { readonly line: string; readonly exitCode: number };

/** Describes an error in one line, without a stack, a query or a connection string. */
export function tell(error: unknown): Told {
  if (error instanceof CliError) return told(error.message, error.code, error.exitCode);
  const explained = explain(error);
  if (explained !== null) return told(explained.message, explained.code, exitCodeOf[explained.kind]);
  const code = systemCode(error);
  if (code !== undefined && isConnection(code))
    return told(
      `the database can't be reached (${code}); check that PostgreSQL is running, and the URL in --database or DATABASE_URL`,
      'database-unavailable',
      exitCodes.unavailable,
    );
  if (code !== undefined && (code.startsWith('28') || /^ERR_SSL_.*ALERT/.test(code)))
    return told(
      'the database refuses the user, password or certificate; check the URL in --database or DATABASE_URL, and DATABASE_TLS_CERT',
      'database-refused',
      exitCodes.config,
    );
  if (code === '3D000')
    return told(
      'the database named in the URL does not exist; create it, then run ferry migrate',
      'database-missing',
      exitCodes.config,
    );
  if (code === '53100')
    return told(
      "the database's disk is full; nothing was changed, free some space and try again",
      'disk-full',
      exitCodes.unavailable,
    );
  const name = error instanceof Error ? error.name : typeof error;
  return told(
    `something unexpected happened (${[name, code].filter(Boolean).join(' ')}); set FERRY_LOG=debug to see more`,
    'internal',
    exitCodes.internal,
  );
}

function told(message: string, code: string, exitCode: number): Told {
  return { line: `ferry: ${message.replaceAll(/\s+/g, ' ').trim()} [${code}]`, exitCode };
}

/** Finds the driver's code inside the query builder's error, whose message would repeat parameters. */
function systemCode(error: unknown): string | undefined {
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    if ('code' in at && typeof at.code === 'string') return at.code;
    if (at instanceof AggregateError) {
      const inner: unknown = at.errors[0];
      if (inner instanceof Error && 'code' in inner && typeof inner.code === 'string') return inner.code;
    }
  }
  return undefined;
}

function isConnection(code: string): boolean {
  return /^(?:E(?:CONN|NOTFOUND|HOSTUNREACH|NETUNREACH|TIMEDOUT|PIPE|AI_AGAIN)|CONNECT|CONNECTION_|57P|08|53300)/.test(
    code,
  );
}

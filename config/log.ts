/**
 * Ferry's log: one JSON line per entry on stdout. Secrets and texts of notes never appear in it: fields that may contain one are
 * redacted by name at any depth, and everything that looks like a credential is redacted from all texts.
 */
import pino from 'pino';
import type { Bindings, DestinationStream, Logger } from 'pino';

import type { LogLevel } from './env.ts';

export type Log = Logger;

/** Names of fields to redact at any depth; compared without case, `-` and `_`. */
const hidden: ReadonlySet<string> = new Set([
  ...['authorization', 'proxyauthorization', 'cookie', 'setcookie', 'dpop', 'xapikey', 'apikey'],
  ...['password', 'passwd', 'secret', 'clientsecret', 'secretkey', 'secretkeys', 'privatekey'],
  ...['token', 'accesstoken', 'refreshtoken', 'clientassertion', 'credentials'],
  ...['databaseurl', 'smtpurl', 'jwe'],
  // What people wrote.
  ...['note', 'notes', 'notehtml', 'html', 'text', 'body', 'subject', 'summary', 'details', 'description'],
  ...['content', 'payload', 'command', 'snapshot', 'fields', 'query', 'parameters', 'params'],
]);

const struck = '[hidden]';
const deepest = 8;
const longestText = 2_000;

export type LogOptions = {
  readonly level: LogLevel;
  /** The program's name in each line, for instance "worker". */
  readonly name: string;
  readonly to?: DestinationStream | undefined;
};

export function makeLog(options: LogOptions): Log {
  const log = pino(
    {
      name: options.name,
      level: options.level,
      base: { pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      messageKey: 'msg',
      errorKey: 'err',
      formatters: {
        level: (label) => ({ level: label }),
        log: (entry) => apart(redact(entry) as Record<string, unknown>),
      },
      // Otherwise pino would serialise errors before the formatter sees them.
      serializers: { err: (error: unknown) => redact(error) },
      hooks: {
        logMethod(args, method) {
          // For a lone error, pino would copy its message unredacted.
          const all: unknown[] =
            args[0] instanceof Error && args.length === 1 ? [{ err: args[0] }, args[0].message] : args;
          method.apply(
            this,
            all.map((arg, i) => (i === 0 && typeof arg !== 'string' ? arg : redact(arg))) as typeof args,
          );
        },
      },
    },
    options.to ?? pino.destination({ fd: 1, sync: true }),
  );
  // Bindings of child loggers bypass the formatter, so redact them here; children of children inherit this.
  const { child } = log;
  log.child = function (bindings: Bindings, ...rest: []) {
    return child.call(this, apart(redact(bindings) as Bindings), ...rest) as never;
  };
  return log;
}

/** Keys that pino writes itself; an entry with the same key would have it twice. */
const ownKeys: ReadonlySet<string> = new Set(['level', 'time', 'pid', 'name', 'msg']);

/** Moves an entry's fields with such keys into `other`. */
function apart(entry: Record<string, unknown>): Record<string, unknown> {
  const clashes = Object.entries(entry).filter(([key]) => ownKeys.has(key));
  if (clashes.length === 0) return entry;
  const rest = Object.entries(entry).filter(([key]) => !ownKeys.has(key));
  return { ...Object.fromEntries(rest), other: Object.fromEntries(clashes) };
}

/** Returns a redacted copy. */
export function redact(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return redactText(value);
  if (typeof value === 'bigint') return String(value);
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Date) return value;
  if (depth >= deepest) return '[deep]';
  if (value instanceof Error) return redactError(value, depth);
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (Array.isArray(value)) return value.slice(0, 50).map((item) => redact(item, depth + 1));
  const shown: Record<string, unknown> = {};
  for (const [name, inner] of Object.entries(value))
    shown[name] = isHidden(name) && inner !== undefined ? struck : redact(inner, depth + 1);
  return shown;
}

/** Returns message, code and stack, and only those other fields of an error that can't quote a row or a body. */
function redactError(error: Error, depth: number): unknown {
  const { code, status } = error as { code?: unknown; status?: unknown };
  return {
    type: error.name,
    message: redactText(error.message),
    ...(typeof code === 'string' || typeof code === 'number' ? { code } : {}),
    ...(typeof status === 'number' ? { status } : {}),
    stack: redactText(error.stack ?? ''),
    ...(error.cause === undefined ? {} : { cause: redact(error.cause, depth + 1) }),
  };
}

function isHidden(name: string): boolean {
  return hidden.has(name.replaceAll(/[-_]/g, '').toLowerCase());
}

const patterns: readonly (readonly [RegExp, string])[] = [
  [/\b(Bearer|Basic|DPoP)\s+[\w.~+/=-]{6,}/gi, `$1 ${struck}`],
  // A failed query quotes its parameters, which contain what people wrote.
  [/\bparams: [\s\S]*?(?=\n {1,20}at |$)/g, `params: ${struck}`],
  // A JWT or JWE anywhere in the text.
  [/\beyJ[\w-]{8,}(\.[\w-]*){2,4}/g, struck],
  [/\b([a-z][a-z0-9+.-]*:\/\/)[^\s/@:]*:[^\s/@]+@/gi, `$1${struck}@`],
  [/\b((?:client_)?secret|password|token|access_token|api_key)=[^\s&"']+/gi, `$1=${struck}`],
];

export function redactText(text: string): string {
  let shown = text.length > longestText ? `${text.slice(0, longestText)}…` : text;
  for (const [pattern, replacement] of patterns) shown = shown.replace(pattern, replacement);
  return shown;
}

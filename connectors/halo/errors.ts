/** What Halo's refusals mean. Bodies come in several shapes; its words are kept, for the agent who is told. */
import { cutText } from '#core/text/text.ts';
import { pauseOf } from '#core/words/retry.ts';
import { HelpdeskError } from '#connectors/contract/errors.ts';
import type { HttpReply } from '#connectors/contract/http.ts';

export type Request = {
  readonly what: string;
  readonly write: boolean;
  /** It names a ticket (or a file of one), so "not found" is about that. */
  readonly aboutTicket?: boolean;
};

const defaultPauseMs = 60_000;

/** Sentences Halo is known for, with what they mean. */
const known = [
  {
    has: 'do not have access to this action',
    code: 'not-allowed-by-workflow',
    advice: "Map to an action or status that this ticket's workflow allows, or add it to the workflow in Halo.",
  },
  {
    has: 'must be associated with a ticket_id',
    code: 'supplier-reference-set',
    advice: 'The ticket is unknown there, or its supplier reference is already filled: empty it in Halo.',
  },
  { has: 'has been merged into', code: 'merged', advice: 'Use the ticket it was merged into.' },
] as const;

/** The error for a reply that is no success. */
export function errorOf(reply: HttpReply, request: Request): HelpdeskError {
  const words = wordsOf(reply.text);
  const said = words === '' ? `status ${reply.status}` : `"${words}"`;
  const message = `${request.what}: Halo answered ${said}.`;
  const { status } = reply;
  if (status === 429) {
    const retryAfterMs = pauseOf(reply.headers['retry-after'], Date.now()) ?? defaultPauseMs;
    return new HelpdeskError('slow-down', 'rate-limit', message, { retryAfterMs });
  }
  if (status === 401) {
    const advice = "Check the API application's client id and secret, its scopes, and what its agent may do.";
    return new HelpdeskError('auth', 'not-signed-in', `${message} ${advice}`);
  }
  if (/functionality is not supported/i.test(words)) {
    const advice =
      "Check that the API application has an agent to log in as, and that its credentials are this Halo's.";
    return new HelpdeskError('auth', 'not-supported', `${message} ${advice}`);
  }
  if (status === 403) return forbidden(words, request, message);
  if (status === 404 || status === 410) return notFound(reply, request, message);
  if (status === 409) return new HelpdeskError('conflict', 'conflict', message);
  if (/PRIMARY KEY constraint/i.test(words)) {
    return new HelpdeskError('retry', 'created-at-once', `${message} Two tickets were created at the same moment.`);
  }
  if (status >= 500 || status === 408) {
    const inDoubt = request.write && status !== 503;
    const after = inDoubt ? ' The change may or may not have been made.' : '';
    return new HelpdeskError(inDoubt ? 'in-doubt' : 'retry', 'server-error', message + after);
  }
  const match = known.find(({ has }) => words.toLowerCase().includes(has));
  if (match !== undefined) return new HelpdeskError('refused', match.code, `${message} ${match.advice}`);
  return new HelpdeskError('refused', 'refused', message);
}

/** The window of Halo's limit, which its words and its notes on limits always name. Milliseconds. */
export const limitWindowMs = 300_000;

const saidLimit = /\b(\d{1,6}) requests? per (?:rolling )?(\d{1,3}) minute/i;
const limitHeaders = ['x-ratelimit-limit', 'x-rate-limit-limit', 'ratelimit-limit'] as const;

/**
 * How many requests Halo takes within its window, where a reply that refuses one for their number says so: in its words, or
 * in a header, which no Halo was seen to send. Null where it does not, or says what can't be.
 */
export function requestLimitOf({ status, headers, text }: HttpReply): number | null {
  if (status !== 429) return null;
  const [, requests, minutes] = saidLimit.exec(text.slice(0, 1_000)) ?? [];
  const header = limitHeaders.flatMap((name) => headers[name] ?? [])[0] ?? '';
  const limit =
    requests === undefined
      ? Number(/^\d{1,6}$/.test(header) ? header : Number.NaN)
      : Math.floor((Number(requests) * limitWindowMs) / (Number(minutes) * 60_000));
  return Number.isFinite(limit) && limit >= 10 ? limit : null;
}

/**
 * A right that is missing says nothing about whether a ticket exists, and may be back in a moment. What is asked of all
 * tickets and lists is the application's right; of one ticket it may be its agent's, for that customer, team or type.
 */
function forbidden(words: string, { aboutTicket, write }: Request, message: string): HelpdeskError {
  const advice = "Check the API application's scopes, and what its agent may see and do.";
  const isOurs = /insufficient_scope/i.test(words) || (aboutTicket !== true && !write);
  return isOurs
    ? new HelpdeskError('auth', 'insufficient-scope', `${message} ${advice}`)
    : new HelpdeskError('retry', 'forbidden', `${message} ${advice}`);
}

/** A page of HTML is a proxy's, of a Halo that is away: nobody may take a ticket for deleted because of it. */
function notFound(reply: HttpReply, request: Request, message: string): HelpdeskError {
  const isPage = /html/i.test(reply.headers['content-type'] ?? '') || /<(!doctype|html|head|body)\b/i.test(reply.text);
  if (isPage)
    return new HelpdeskError('retry', 'not-halo', `${message} That was a web page: is Halo at this URL, and up?`);
  // An empty answer is some proxy's; "no such address" is about the address, not about what is at it.
  const isAnswer = isRecord(parse(reply.text)) && !/no http resource was found/i.test(reply.text);
  if (request.aboutTicket === true && !isAnswer) {
    const advice = 'That does not say that it is not there: is Halo at this URL, and up?';
    return new HelpdeskError('retry', 'not-halo', `${message} ${advice}`);
  }
  if (request.aboutTicket === true) {
    // A write may name something else that is not there: whether the ticket is, the ticket itself says.
    return new HelpdeskError(request.write ? 'refused' : 'gone', 'not-found', message);
  }
  return new HelpdeskError('refused', 'not-found', `${message} Check the URL, and what the API application may read.`);
}

/** What the token endpoint's refusal means; also there a success status may hold something else. */
export function tokenError(reply: HttpReply): HelpdeskError {
  if (reply.status === 429 || reply.status >= 500) return errorOf(reply, { what: 'Signing in', write: false });
  const words = wordsOf(reply.text);
  const said = `Signing in: Halo answered "${words === '' ? reply.status : words}".`;
  if (/invalid_scope/i.test(reply.text)) {
    const advice = 'One unknown scope refuses all: correct the option `scope`, or leave it out.';
    return new HelpdeskError('auth', 'unknown-scope', `${said} ${advice}`);
  }
  const code = words === 'invalid_tenant' ? 'wrong-tenant' : 'wrong-credentials';
  return new HelpdeskError('auth', code, `${said} Check client id, secret and tenant.`);
}

/** The sentence within an error body, of whatever shape; nothing of a page of HTML. */
export function wordsOf(body: string): string {
  const parsed = parse(body);
  if (typeof parsed === 'string') return /<(!doctype|html|head|body)\b/i.test(parsed) ? '' : tidy(parsed);
  if (typeof parsed !== 'object' || parsed === null) return '';
  const fields = parsed as Readonly<Record<string, unknown>>;
  const isMap = typeof fields.errors === 'object' && fields.errors !== null;
  for (const key of ['errorMessage', 'Message', 'message', 'error_description', 'error', ...(isMap ? [] : ['title'])]) {
    const value = fields[key];
    if (typeof value === 'string' && value.trim() !== '') return tidy(value);
  }
  return tidy(validationWords(fields.errors ?? fields));
}

/** `{"[0].id": ["The value is not valid."]}`, alone or under `errors`. */
function validationWords(map: unknown): string {
  if (typeof map !== 'object' || map === null) return '';
  const lines = Object.entries(map).flatMap(([key, said]) => {
    if (!Array.isArray(said)) return [];
    const words = said.filter((one) => typeof one === 'string');
    return words.length === 0 ? [] : [`${key}: ${words.join(' ')}`];
  });
  return lines.slice(0, 10).join('; ');
}

function isRecord(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body) as unknown;
  } catch {
    return body;
  }
}

function tidy(text: string): string {
  const line = text
    .replace(/<[^<>]*>/g, ' ')
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim();
  return cutText(line, 300);
}

/** What Halo's refusals mean. Bodies come in several shapes; its words are kept, for the agent who is told. */
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
    return new HelpdeskError('auth', 'not-signed-in', `${message} Check the API application's client id and secret.`);
  }
  if (/functionality is not supported/i.test(words)) {
    const advice =
      "Check that the API application has an agent to log in as, and that its credentials are this Halo's.";
    return new HelpdeskError('auth', 'not-supported', `${message} ${advice}`);
  }
  if (status === 403 && /insufficient_scope/i.test(words)) {
    return new HelpdeskError('auth', 'insufficient-scope', `${message} Give the API application the scopes it needs.`);
  }
  if (status === 403 || status === 404 || status === 410) return notFound(reply, request, message);
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

/** A page of HTML is a proxy's, of a Halo that is away: nobody may take a ticket for deleted because of it. */
function notFound(reply: HttpReply, request: Request, message: string): HelpdeskError {
  const isPage = /html/i.test(reply.headers['content-type'] ?? '') || /<(!doctype|html|head|body)\b/i.test(reply.text);
  if (isPage)
    return new HelpdeskError('retry', 'not-halo', `${message} That was a web page: is Halo at this URL, and up?`);
  if (request.aboutTicket === true) return new HelpdeskError('gone', 'not-found', message);
  return new HelpdeskError('refused', 'not-found', `${message} Check the URL, and what the API application may read.`);
}

/** What the token endpoint's refusal means; also there a success status may hold something else. */
export function tokenError(reply: HttpReply): HelpdeskError {
  if (reply.status === 429 || reply.status >= 500) return errorOf(reply, { what: 'Signing in', write: false });
  const words = wordsOf(reply.text);
  const message = `Signing in: Halo answered "${words === '' ? reply.status : words}". Check client id, secret and tenant.`;
  return new HelpdeskError('auth', words === 'invalid_tenant' ? 'wrong-tenant' : 'wrong-credentials', message);
}

/** The sentence within an error body, of whatever shape; nothing of a page of HTML. */
export function wordsOf(body: string): string {
  const parsed = parse(body);
  if (typeof parsed === 'string') return /<(!doctype|html|head|body)\b/i.test(parsed) ? '' : tidy(parsed);
  if (typeof parsed !== 'object' || parsed === null) return '';
  const fields = parsed as Readonly<Record<string, unknown>>;
  for (const key of ['errorMessage', 'Message', 'message', 'error_description', 'error', 'title']) {
    const value = fields[key];
    if (typeof value === 'string' && value.trim() !== '') return tidy(value);
  }
  return '';
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
    .replace(/<[^>]*>/g, ' ')
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim();
  return line.length > 300 ? `${line.slice(0, 300)}…` : line;
}

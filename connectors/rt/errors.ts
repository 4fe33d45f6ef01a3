/** What RT's answers mean when they are not success. Its own words go along, for the person who reads the receipt. */
import { cutText } from '#core/text/text.ts';
import { pauseOf } from '#core/words/retry.ts';
import { HelpdeskError } from '#connectors/contract/errors.ts';
import type { HttpReply } from '#connectors/contract/http.ts';

export type Purpose = {
  /** Completes "RT could not …". */
  readonly what: string;
  /** The request may change something. */
  readonly write: boolean;
  /** The request is about one existing ticket or file. */
  readonly about: 'ticket' | 'file' | 'instance';
};

const longestWords = 500;
/** Where RT, or the proxy before it, does not say for how long it wants to be left alone. */
const unsaidPauseMs = 30_000;

/** The error for a reply whose status is not 2xx. */
export function replyError(reply: HttpReply, purpose: Purpose): HelpdeskError {
  const said = words(reply);
  const told = said === '' ? `status ${reply.status}` : said;
  const text = `RT could not ${purpose.what}: ${told}`;
  switch (reply.status) {
    case 401:
      return new HelpdeskError(
        'auth',
        'token-refused',
        'RT does not accept the access token. Make a new one for the service user and put it into the settings.',
      );
    case 403:
    case 404:
    case 410:
      // A proxy that can't reach RT must not make every ticket look deleted.
      if (said === '') {
        return new HelpdeskError(
          'retry',
          'not-rt',
          `${text}, and not in RT's format. Check the URL and the proxies before RT.`,
        );
      }
      return purpose.about === 'instance'
        ? new HelpdeskError(
            'refused',
            'not-permitted',
            `${text}. Check the service user's rights and the queue's name.`,
          )
        : aboutOne(reply.status, purpose, text);
    case 409:
    case 412:
      return new HelpdeskError('conflict', 'changed-meanwhile', `${text}. The ticket has changed since it was read.`);
    case 429:
      return new HelpdeskError('slow-down', 'too-many-requests', text, {
        retryAfterMs: pauseOf(reply.headers['retry-after'], Date.now()) ?? unsaidPauseMs,
      });
    case 413:
      return new HelpdeskError(
        'refused',
        'too-large',
        `${text}. RT or the proxy before it takes no request of this size.`,
      );
    default:
      break;
  }
  if (reply.status >= 500) {
    return purpose.write
      ? new HelpdeskError('in-doubt', 'server-error', `${text}. The change may or may not have been made.`)
      : new HelpdeskError('retry', 'server-error', text);
  }
  return new HelpdeskError('refused', 'refused-by-rt', text);
}

/** A right may come back, and a file that may not be read now may be read then; only what is not there is gone. */
function aboutOne(status: number, { about }: Purpose, text: string): HelpdeskError {
  return status === 403
    ? new HelpdeskError(
        'retry',
        'not-permitted',
        `${text}. Give the service user its rights back, and it is read again.`,
      )
    : new HelpdeskError('gone', `${about}-gone`, `${text}. It was deleted.`);
}

function words(reply: HttpReply): string {
  try {
    const body = JSON.parse(reply.text) as { readonly message?: unknown };
    return typeof body.message === 'string' ? cutText(body.message, longestWords) : '';
  } catch {
    return '';
  }
}

/** For what Ferry itself finds missing in RT's set-up. */
export function setupIncomplete(message: string): HelpdeskError {
  return new HelpdeskError('refused', 'setup-incomplete', message);
}

export function missingTicket(ticketId: string): HelpdeskError {
  return new HelpdeskError(
    'gone',
    'ticket-gone',
    `RT has no ticket #${ticketId} any more, or the service user may not see it.`,
  );
}

/** Refusals in the shapes a Halo caller sees. */

/** A refusal with Halo's status and body. */
export class HaloError extends Error {
  readonly status: number;
  readonly body: unknown;
  /** An explanation of Halo's words for people at the twin. */
  readonly meaning: string | null;

  constructor(status: number, message: string, body?: unknown, meaning?: string) {
    super(message);
    this.name = 'HaloError';
    this.status = status;
    this.meaning = meaning ?? null;
    this.body = body ?? {
      ClassName: 'System.Exception',
      Message: message,
      Data: null,
      InnerException: null,
    };
  }
}

export const errorTexts = {
  noAccess: 'You do not have access to this action at the moment',
  noTicket: 'An action must be associated with a ticket_id',
  notSupported: 'This functionality is not supported',
} as const;

export function rateLimitText(requests: number): string {
  return `Rate Limit Reached - ${requests} Requests per rolling 5 minute window`;
}

/** Creates a 400 with a .NET exception as its body. */
export function refused(message: string, meaning?: string): HaloError {
  return new HaloError(400, message, undefined, meaning);
}

/** Creates a 404. What a real Halo answers for an unknown id is not published. */
export function notFound(what: string): HaloError {
  return new HaloError(404, `${what} was not found`, { message: `${what} was not found` });
}

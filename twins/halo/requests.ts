/** A log of API requests, so that a test can count what a caller did. Bodies are not kept. */

export interface LoggedRequest {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly status: number;
  /** The name of the fault that struck, if any. */
  readonly fault: string;
  readonly application: string;
  readonly at: number;
  readonly ms: number;
}

export interface RequestLog {
  add(request: LoggedRequest): void;
  report(): { total: number; counts: Record<string, number>; requests: readonly LoggedRequest[] };
  clear(): void;
}

const kept = 5000;

/** Keeps the newest requests, and counts them all by method and path, with numbers in paths as `:id`. */
export function createRequestLog(): RequestLog {
  let requests: LoggedRequest[] = [];
  let total = 0;
  let counts: Record<string, number> = {};
  return {
    add(request) {
      requests.push(request);
      if (requests.length > kept * 2) requests = requests.slice(-kept);
      total++;
      const key = `${request.method} ${request.path.replace(/\/\d+(?=\/|$)/g, '/:id')}`;
      counts[key] = (counts[key] ?? 0) + 1;
    },
    report: () => ({ total, counts, requests: requests.slice(-kept) }),
    clear() {
      requests = [];
      total = 0;
      counts = {};
    },
  };
}

/** The HTTP client that connectors and protocols are given. */
import type { Readable } from 'node:stream';

export type HttpRequest = {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array | Readable;
  readonly signal: AbortSignal;
  /** Whole exchange, milliseconds. */
  readonly timeoutMs?: number;
  /** Largest body that is read; more is an error. Bytes. */
  readonly maxBytes?: number;
};

export type HttpReply = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly text: string;
};

/** The one guarded way out: no redirects, no decoding, bounded in time and size. See connectors/kit/http.ts. */
export type HttpClient = {
  request(request: HttpRequest): Promise<HttpReply>;
  /** The body as a stream, for attachments. */
  stream(request: HttpRequest): Promise<{
    readonly status: number;
    readonly headers: Readonly<Record<string, string | undefined>>;
    readonly stream: Readable;
  }>;
  /** When the certificate at this https URL ends; null for plain http. Throws HelpdeskError. */
  certificateEnd?(url: string, signal: AbortSignal): Promise<Date | null>;
};

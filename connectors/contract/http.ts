/** The HTTP client that connectors and protocols are given. */
import type { Readable } from 'node:stream';
import type { NotAfter } from './not-after.ts';

export type HttpRequest = HttpCall & HttpMethod;

/** What changes nothing needs no limit; what may change something says until when it may be sent. */
export type HttpMethod =
  | { readonly method: 'GET' | 'HEAD' }
  | {
      readonly method: 'POST' | 'PUT' | 'PATCH' | 'DELETE';
      /** Looked at last, before the socket takes the request. Null where neither late nor twice does harm. */
      readonly notAfter: NotAfter | null;
    };

export type HttpCall = {
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

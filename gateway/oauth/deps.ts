/** The dependencies of the OAuth endpoints, which the gateway's start-up passes in. */
import type { Context } from 'hono';
import type { Log } from '#config/log.ts';
import type { SideName } from '#core/words/vocabulary.ts';
import type { LinkState } from '#core/wire.ts';
import type { Client } from '#db/base/client.ts';
import type { Clients } from '#gateway/limits/clients.ts';
import type { SignInRefused } from '#gateway/sign-in-refused.ts';
import type { KeyRing } from './key-ring.ts';

export type AuthenticateDeps = {
  readonly db: Client;
  /** The URL at which others reach this gateway. */
  readonly publicUrl: string;
  readonly keys: KeyRing;
  readonly now?: () => Date;
  readonly log?: Log;
  /** Receives the reason of a refusal, which the caller does not see. */
  readonly refused?: SignInRefused;
};

export type OAuthDeps = AuthenticateDeps & {
  /** Reads a client's key set through the guarded HTTP client (protocols/ferry/fetch-json.ts); rejects if it can't. */
  readonly fetchJson: (url: string) => Promise<unknown>;
  /** How long clients' key sets are cached, and how soon one is read again; milliseconds. Default: ten minutes, 30 s. */
  readonly clientKeys?: { readonly maxAgeMs: number; readonly cooldownMs: number };
  /** Counts issued tokens. If absent, they are not counted. */
  readonly clients?: Pick<Clients, 'token'>;
  /** Returns the caller's address, for the limit of failed attempts. Default: the socket's remote address, without any header. */
  readonly addressOf?: (c: Context) => string;
};

/** The caller of the API. */
export type Caller = {
  readonly client: string;
  readonly link: string;
  /** The side that the caller speaks for. */
  readonly role: SideName;
  /** Our instance on the link. */
  readonly instance: string;
  readonly linkState: LinkState;
};

/** The accepted difference between the clocks of two organisations. Seconds. */
export const clockToleranceS = 60;
/** The lifetime of an access token; seconds. */
export const tokenTtlS = 300;

/** What the OAuth part needs from whoever wires the gateway. */
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
  /** At which others reach this gateway. */
  readonly publicUrl: string;
  readonly keys: KeyRing;
  readonly now?: () => Date;
  readonly log?: Log;
  /** Told why a caller was refused; the caller is not. */
  readonly refused?: SignInRefused;
};

export type OAuthDeps = AuthenticateDeps & {
  /** Reads a client's key set through the guarded way out (protocols/ferry/fetch-json.ts); rejects when it can't. */
  readonly fetchJson: (url: string) => Promise<unknown>;
  /** How long clients' key sets are kept, and how soon one is read again; milliseconds. Default ten minutes, 30 s. */
  readonly clientKeys?: { readonly maxAgeMs: number; readonly cooldownMs: number };
  /** Counts tokens that are given out. Absent: nobody does. */
  readonly clients?: Pick<Clients, 'token'>;
  /** Who called, for the limit of failed attempts. Default: the socket's other end; headers are not asked. */
  readonly addressOf?: (c: Context) => string;
};

/** Who calls the API. */
export type Caller = {
  readonly client: string;
  readonly link: string;
  /** The side that the caller speaks for. */
  readonly role: SideName;
  /** Our instance on the link. */
  readonly instance: string;
  readonly linkState: LinkState;
};

/** Clocks of two organisations differ; this much is put up with. Seconds. */
export const clockToleranceS = 60;
/** Of an access token; seconds. */
export const tokenTtlS = 300;

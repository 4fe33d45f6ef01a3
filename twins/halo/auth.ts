/** Client credentials: tokens for API applications, and what each may do. */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { HaloError, errorTexts, refused } from './errors.ts';
import type { Actor } from './model.ts';
import type { Application } from './seed.ts';
import type { Store } from './store.ts';

export interface Login {
  readonly application: Application;
  readonly scopes: readonly string[];
}

export interface Auth {
  /** Answers `POST /auth/token`. Throws the OAuth errors. */
  token(form: URLSearchParams, queryTenant: string | null, basic: string | null, now: number): Record<string, unknown>;
  /** Who a bearer token stands for. Throws 401. */
  login(header: string | undefined, now: number): Login;
  applications: readonly Application[];
}

/** Tokens of a desk; they are kept in its database, so that a restart does not end them. */
export function createAuth(
  store: Store,
  applications: readonly Application[],
  tenant: string,
  ttlSeconds: number,
): Auth {
  function token(
    form: URLSearchParams,
    queryTenant: string | null,
    basic: string | null,
    now: number,
  ): Record<string, unknown> {
    const wantedTenant = queryTenant ?? form.get('tenant');
    if (wantedTenant !== null && wantedTenant.toLowerCase() !== tenant) throw oauthError(400, 'invalid_tenant');
    if (form.get('grant_type') !== 'client_credentials') throw oauthError(400, 'unsupported_grant_type');
    const [id, secret] = credentials(form, basic);
    const application = applications.find((one) => one.client_id === id);
    if (application === undefined || !same(application.client_secret, secret)) throw oauthError(400, 'invalid_client');
    const scope = form.get('scope') ?? 'all';
    const access_token = randomBytes(32).toString('base64url');
    store.run('delete from tokens where expires <= ?', now);
    store.run('insert into tokens values (?, ?, ?, ?)', access_token, id, scope, now + ttlSeconds * 1000);
    return { access_token, token_type: 'Bearer', expires_in: ttlSeconds, scope };
  }

  function login(header: string | undefined, now: number): Login {
    const bearer = /^Bearer\s+(\S+)$/i.exec(header ?? '')?.[1];
    if (bearer === undefined) throw unauthorised();
    const row = store.all('select client_id, scope from tokens where token = ? and expires > ?', bearer, now)[0];
    const application = applications.find((one) => one.client_id === row?.client_id);
    if (row === undefined || application === undefined) throw unauthorised();
    const asked = String(row.scope).split(/\s+/);
    const granted = application.scopes.includes('all') ? asked : asked.filter((s) => application.scopes.includes(s));
    const scopes = asked.includes('all') ? application.scopes : granted;
    return { application, scopes };
  }

  return { token, login, applications };
}

function credentials(form: URLSearchParams, basic: string | null): [string, string] {
  const encoded = /^Basic\s+(\S+)$/i.exec(basic ?? '')?.[1];
  if (encoded === undefined) return [form.get('client_id') ?? '', form.get('client_secret') ?? ''];
  const decoded = Buffer.from(encoded, 'base64').toString();
  const colon = decoded.indexOf(':');
  return [decode(decoded.slice(0, colon)), decode(decoded.slice(colon + 1))];
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    return text;
  }
}

function same(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}

function oauthError(status: number, error: string): HaloError {
  return new HaloError(status, error, { error });
}

function unauthorised(): HaloError {
  return new HaloError(401, 'unauthorised', { error: 'unauthorized' });
}

/** Throws 403 unless one of these scopes was granted. */
export function needScope(login: Login, ...anyOf: readonly string[]): void {
  if (login.scopes.includes('all') || login.scopes.includes('all:standard')) return;
  if (login.scopes.some((scope) => anyOf.includes(scope))) return;
  throw new HaloError(403, 'forbidden', { error: 'insufficient_scope' });
}

/** The actor an application writes as. Throws Halo's refusal for credentials that stand for nobody here. */
export function actorOf(store: Store, login: Login): Actor {
  const { agent_id, client_id } = login.application;
  const agent = agent_id === null ? null : store.find('agent', agent_id);
  if (agent === null) throw refused(errorTexts.notSupported);
  return { by: 'application', applicationId: client_id, agentId: agent.id, name: agent.name };
}

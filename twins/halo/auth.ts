/** Client credentials: tokens for API applications, and what each may do. */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { HaloError, errorTexts, refused } from './errors.ts';
import type { Desk } from './desk.ts';
import type { Actor, Agent, Ticket } from './model.ts';
import type { Application } from './seed.ts';
import type { Store } from './store.ts';

export interface Login {
  readonly application: Application;
  readonly scopes: readonly string[];
}

export interface Auth {
  /** Answers `POST /auth/token`. Throws the OAuth errors. */
  token(form: URLSearchParams, queryTenant: string | null, basic: string | null, now: number): Record<string, unknown>;
  /** Finds who a bearer token belongs to. Throws 401. */
  login(header: string | undefined, now: number): Login;
  applications: readonly Application[];
}

/** Keeps a desk's tokens in its database, so that a restart does not end them. */
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
    const asked = (form.get('scope') ?? 'all').split(/[\s,]+/).filter((one) => one !== '');
    const strange = asked.find((one) => !scopes.has(one));
    if (strange !== undefined) {
      const error_description = `The specified 'scope' is invalid: ${strange}`;
      throw new HaloError(400, 'invalid_scope', { error: 'invalid_scope', error_description });
    }
    const scope = grantedTo(application, asked).join(' ');
    const access_token = randomBytes(32).toString('base64url');
    store.run('delete from tokens where expires <= ?', now);
    store.run('insert into tokens values (?, ?, ?, ?)', access_token, id, scope, now + ttlSeconds * 1000);
    const id_token = idTokenOf(store, application);
    return { access_token, token_type: 'Bearer', expires_in: ttlSeconds, scope, id_token };
  }

  function login(header: string | undefined, now: number): Login {
    const bearer = /^Bearer\s+(\S+)$/i.exec(header ?? '')?.[1];
    if (bearer === undefined) throw unauthorised();
    const row = store.all('select client_id, scope from tokens where token = ? and expires > ?', bearer, now)[0];
    const application = applications.find((one) => one.client_id === row?.client_id);
    if (row === undefined || application === undefined) throw unauthorised();
    return { application, scopes: String(row.scope).split(' ') };
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

/** Scopes that Halo knows; it refuses a request that names any other. */
export const scopes: ReadonlySet<string> = new Set(
  (
    'all all:standard admin read:tickets edit:tickets read:customers edit:customers read:suppliers edit:suppliers ' +
    'all:teams read:calendar edit:calendar read:assets edit:assets read:kb edit:kb access:chat openid offline_access'
  ).split(' '),
);

/** Resolves scopes; `all` means everything that was granted to the application. */
function grantedTo(application: Application, asked: readonly string[]): readonly string[] {
  if (asked.includes('all')) return application.scopes;
  if (application.scopes.includes('all')) return asked;
  return asked.filter((scope) => application.scopes.includes(scope));
}

/** Builds the id token that names who the application logs in as. Nobody here checks its signature. */
function idTokenOf(store: Store, { agent_id, name }: Application): string {
  const agent = agent_id === null ? null : store.find('agent', agent_id);
  const claims = { sub: String(agent_id ?? ''), name: agent?.name ?? name, email: agent?.email ?? '' };
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'none' })}.${part(claims)}.`;
}

export function hasScope(login: Login, ...anyOf: readonly string[]): boolean {
  if (login.scopes.includes('all') || login.scopes.includes('all:standard')) return true;
  // A right to change includes the right to read.
  return anyOf.some((one) => login.scopes.includes(one) || login.scopes.includes(one.replace(/^read:/, 'edit:')));
}

/** Throws an answer without a body unless one of these scopes was granted. */
export function needScope(desk: Desk, login: Login, ...anyOf: readonly string[]): void {
  if (!hasScope(login, ...anyOf)) throw new HaloError(desk.profile.missingScope, 'forbidden', '');
}

/** Returns the agent whose rights limit the application, or null for an application that acts for no agent. */
export function agentOf(store: Store, login: Login): Agent | null {
  const { agent_id } = login.application;
  return agent_id === null ? null : store.find('agent', agent_id);
}

export function maySee(agent: Agent | null, ticket: Pick<Ticket, 'client_id'>): boolean {
  return agent?.clients === undefined || agent.clients.includes(ticket.client_id);
}

/** Throws 403 without a body for a ticket of a customer that the application's agent may not see. */
export function needRights(desk: Desk, login: Login, ticket: Pick<Ticket, 'client_id'>): void {
  if (!maySee(agentOf(desk.store, login), ticket)) throw new HaloError(403, 'forbidden', '');
}

/** Returns the actor that an application writes as. Throws Halo's refusal for credentials that act for nobody here. */
export function actorOf(store: Store, login: Login): Actor {
  const { agent_id, name } = login.application;
  const agent = agent_id === null ? null : store.find('agent', agent_id);
  if (agent === null) throw refused(errorTexts.notSupported);
  return { by: 'application', application: name, agentId: agent.id, name: agent.name };
}

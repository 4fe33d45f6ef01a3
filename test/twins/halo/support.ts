/** A twin for one test file, and callers of its API. */
import type { TwinClient } from '#twins/halo/client.ts';
import { twinClient } from '#twins/halo/client.ts';
import type { HaloSeed } from '#twins/halo/seed.ts';
import type { HaloTwin, HaloTwinOptions } from '#twins/halo/server.ts';
import { createHaloTwin } from '#twins/halo/server.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: any;
}

export interface Api {
  readonly token: string;
  get(path: string): Promise<Answer>;
  post(path: string, body: unknown): Promise<Answer>;
  del(path: string): Promise<Answer>;
}

export interface Play {
  readonly twin: HaloTwin;
  readonly people: TwinClient;
  readonly api: Api;
}

/** Starts a twin, without a request limit by default, and a logged-in caller. */
export async function play(seed: HaloSeed, options: Partial<HaloTwinOptions> = {}): Promise<Play> {
  const twin = await createHaloTwin({ seed, rateLimit: { limit: 0 }, ...options });
  return { twin, people: twinClient(twin.url), api: await login(twin) };
}

/** Logs in as the twin's first application. */
export async function login(twin: HaloTwin, scope = 'all'): Promise<Api> {
  const application = twin.applications[0];
  if (application === undefined) throw new Error('the seed has no application');
  const { client_id, client_secret } = application;
  const form = { grant_type: 'client_credentials', client_id, client_secret, scope };
  const answer = await fetch(`${twin.url}/auth/token`, {
    method: 'POST',
    body: new URLSearchParams(form),
  });
  const { access_token } = (await answer.json()) as { access_token: string };
  return caller(twin.url, access_token);
}

/** Reads a file's bytes, directly or through the signed link returned in their place, which accepts no token. */
export async function bytesOf(url: string, token: string, id: number): Promise<Buffer> {
  const answer = await fetch(`${url}/api/Attachment/${id}`, { headers: { authorization: `Bearer ${token}` } });
  if (answer.headers.get('content-type')?.includes('json') !== true) return Buffer.from(await answer.arrayBuffer());
  const { link } = (await answer.json()) as { link: string };
  return Buffer.from(await (await fetch(link)).arrayBuffer());
}

/** Calls the API with a token. */
export function caller(url: string, token: string): Api {
  async function call(method: string, path: string, body?: unknown): Promise<Answer> {
    const response = await fetch(url + path, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const json = response.headers.get('content-type')?.includes('json') === true;
    return {
      status: response.status,
      headers: response.headers,
      body: json ? JSON.parse(text) : text,
    };
  }
  return {
    token,
    get: (path) => call('GET', path),
    post: (path, body) => call('POST', path, body),
    del: (path) => call('DELETE', path),
  };
}

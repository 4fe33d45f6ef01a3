/** Identifies a Halo by its tenant and its sign-in address, which it returns at every address and to every caller. */
import { HelpdeskError } from '#connectors/contract/errors.ts';
import type { ConnectorContext } from '#connectors/contract/helpdesk.ts';
import { parseJson } from '#connectors/kit/json.ts';
import { authInfo, decode } from './wire.ts';

const what = 'Asking which Halo this is';

/** Returns null if it reveals them to nobody. Throws HelpdeskError. */
export async function identityOf(
  { http, take }: Pick<ConnectorContext, 'http' | 'take'>,
  baseUrl: string,
  signal: AbortSignal,
): Promise<string | null> {
  await take(null, signal);
  const reply = await http.request({ method: 'GET', url: `${baseUrl}/api/authinfo`, signal });
  // Some set-ups show it to nobody; then signing in is configured.
  if ([401, 403, 404].includes(reply.status)) return null;
  if (reply.status !== 200) throw new HelpdeskError('retry', 'no-authinfo', `${what}: it answered ${reply.status}.`);
  const options = { what, write: false };
  const { auth_url: signIn, tenant_id: tenant } = decode(authInfo, parseJson(reply, options), options);
  const url = URL.parse(signIn);
  if (url === null) return null;
  // Two Halos on machines of one's own may both have no tenant, or the same one.
  const at = `${url.host}${url.pathname.replace(/\/{1,50}$/, '')}`;
  return `halo ${(tenant ?? '').trim()}@${at}`.toLowerCase().slice(0, 300);
}

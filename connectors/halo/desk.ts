/** Which Halo this is: its tenant, which it tells at every address, and to whoever asks. */
import { HelpdeskError } from '#connectors/contract/errors.ts';
import type { HttpClient } from '#connectors/contract/http.ts';
import { parseJson } from '#connectors/kit/json.ts';
import { authInfo, decode } from './wire.ts';

const what = 'Asking which Halo this is';

/** Null where it tells none, as a Halo on a machine of one's own may. Throws HelpdeskError. */
export async function identityOf(http: HttpClient, baseUrl: string, signal: AbortSignal): Promise<string | null> {
  const reply = await http.request({ method: 'GET', url: `${baseUrl}/api/authinfo`, signal });
  // Some set-ups show it to nobody; then signing in is configured.
  if ([401, 403, 404].includes(reply.status)) return null;
  if (reply.status !== 200) throw new HelpdeskError('retry', 'no-authinfo', `${what}: it answered ${reply.status}.`);
  const options = { what, write: false };
  const { tenant_id } = decode(authInfo, parseJson(reply, options), options);
  const tenant = (tenant_id ?? '').trim().toLowerCase();
  return tenant === '' ? null : `halo ${tenant}`;
}

/** Who is who in RT: our own account, the system itself, agents (privileged users) and everybody else. */
import { HelpdeskError } from '#connectors/contract/errors.ts';
import { createBoundedCache } from '#connectors/kit/bounded-cache.ts';
import type { Person } from '#core/words/vocabulary.ts';
import type { RtClient } from './client.ts';
import { userSchema } from './wire.ts';

export type Identity = {
  /** Login name, which RT shows as the id of a user. */
  readonly name: string;
  /** IANA name, or null where RT has none for our user. */
  readonly timezone: string | null;
};

export type People = {
  /** Our own account; also shows that the token works. */
  identity(signal: AbortSignal): Promise<Identity>;
  person(name: string, signal: AbortSignal): Promise<Person>;
};

const freshMs = 600_000;
const maxKnown = 2_000;

export function createPeople(client: RtClient, token: string, now: () => number): People {
  let own: Identity | null = null;
  const known = createBoundedCache<{ readonly person: Person; readonly at: number }>(maxKnown);

  async function identity(signal: AbortSignal): Promise<Identity> {
    if (own !== null) return own;
    return (own = await askIdentity(client, token, signal));
  }

  async function ask(name: string, signal: AbortSignal): Promise<Person> {
    if (name === (await identity(signal)).name) return { name, role: 'service' };
    if (name === 'RT_System') return { name: 'RT', role: 'automation' };
    if (name === 'Nobody') return { name, role: 'user' };
    try {
      const { value: user } = await client.get(
        `/user/${encodeURIComponent(name)}`,
        userSchema,
        { what: 'tell who a user is', write: false, about: 'instance' },
        signal,
      );
      // A name of digits only would be taken for an id.
      if (user.Name === name) {
        return {
          name: user.RealName === '' ? name : user.RealName,
          ...(user.EmailAddress === '' ? {} : { email: user.EmailAddress }),
          role: Number(user.Privileged ?? 0) === 1 ? 'agent' : 'user',
        };
      }
    } catch (error) {
      if (!(error instanceof HelpdeskError) || error.class !== 'refused') throw error;
    }
    return { name, role: 'user' };
  }

  return {
    identity,
    async person(name, signal) {
      const cached = known.get(name);
      if (cached !== undefined && now() - cached.at < freshMs) return cached.person;
      const person = await ask(name, signal);
      known.set(name, { person, at: now() });
      return person;
    },
  };
}

/** Always asks, for `ping`. */
export async function askIdentity(client: RtClient, token: string, signal: AbortSignal): Promise<Identity> {
  // A token is `<version>-<user id>-<secret>`.
  const ownId = token.split('-')[1] ?? '';
  const { value: user } = await client.get(
    `/user/${ownId}`,
    userSchema,
    { what: 'tell who the service user is', write: false, about: 'instance' },
    signal,
  );
  return { name: user.Name, timezone: user.Timezone === '' ? null : user.Timezone };
}

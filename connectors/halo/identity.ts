/** Who did an action: our own application, a person's hand, an end user, or Halo itself. */
import type { Person } from '#core/words/vocabulary.ts';
import type { Words } from './catalogue.ts';
import { byId } from './catalogue.ts';
import type { Call, HaloClient } from './client.ts';
import { me } from './wire.ts';
import type { HaloAction, HaloCredentials, HaloOptions, Ticket } from './wire.ts';

export type Identity = {
  /** Our own agent's id, asked for only when the actions name no application. */
  agentId(actions: readonly HaloAction[], call: Call): Promise<number | null>;
  author(action: HaloAction, ownAgent: number | null, ticket: Ticket, words: Words): Person;
  isOurs(action: HaloAction, ownAgent: number | null): boolean;
};

export function createIdentity(client: HaloClient, credentials: HaloCredentials, options: HaloOptions): Identity {
  const application = (options.applicationId ?? credentials.clientId).toLowerCase();
  let agent: number | null = options.agentId ?? null;

  /** The application decides where Halo names one: people may share the agent it logs in as. */
  function isOurs(action: HaloAction, ownAgent: number | null): boolean {
    const by = action.actionby_application_id ?? '';
    if (by !== '') return by.toLowerCase() === application;
    return ownAgent !== null && agentOf(action) === ownAgent;
  }

  return {
    isOurs,
    async agentId(actions, call) {
      if (agent !== null) return agent;
      if (actions.every((one) => one.actionby_application_id !== undefined || agentOf(one) === 0)) return null;
      agent = (await client.get('Agent/me', {}, me, { ...call, what: 'Asking who we are' })).id;
      return agent;
    },
    author(action, ownAgent, ticket, words) {
      const name = action.who ?? '';
      const userId = action.actionby_user_id ?? 0;
      if (isOurs(action, ownAgent)) return { name, role: 'service' };
      if (userId > 0) {
        const email = userId === ticket.user_id ? (ticket.user_email ?? '') : '';
        return {
          name: name === '' ? (ticket.user_name ?? '') : name,
          role: 'user',
          ...(email === '' ? {} : { email }),
        };
      }
      const agentId = agentOf(action);
      const isMachine = action.issystem === true || (agentId === 0 && (action.actionby_application_id ?? '') === '');
      if (isMachine) return { name, role: 'automation' };
      const known = byId(words.agents, agentId);
      const email = known?.email ?? '';
      return { name: name === '' ? (known?.name ?? '') : name, role: 'agent', ...(email === '' ? {} : { email }) };
    },
  };
}

function agentOf(action: HaloAction): number {
  return Math.max(0, action.actionby_agent_id ?? action.who_agentid ?? 0);
}

/** Who did an action: our own application, a person's hand, an end user, or Halo itself. */
import { HelpdeskError } from '#connectors/contract/errors.ts';
import type { Person } from '#core/words/vocabulary.ts';
import { assumed } from './assumed.ts';
import type { Words } from './catalogue.ts';
import { byId } from './catalogue.ts';
import type { Call } from './call.ts';
import type { HaloClient } from './client.ts';
import { me } from './wire.ts';
import type { HaloAction, HaloCredentials, HaloOptions, Ticket } from './wire.ts';

export type Identity = {
  /** Our own agent's id, asked for only while nothing better tells us; null where Halo does not say. */
  agentId(call: Call): Promise<number | null>;
  /** From an action that is surely ours: how Halo names our application, and the agent it logs in as. */
  learn(action: HaloAction): void;
  author(action: HaloAction, ownAgent: number | null, ticket: Ticket, words: Words): Person;
  isOurs(action: HaloAction, ownAgent: number | null): boolean;
};

export function createIdentity(client: HaloClient, credentials: HaloCredentials, options: HaloOptions): Identity {
  /** Some builds write the client id where most write the application's name. */
  const configured = [options.applicationId, credentials.clientId].flatMap((name) => name?.toLowerCase() ?? []);
  let learnt: string | null = options.applicationId?.toLowerCase() ?? null;
  let agent: number | null = options.agentId ?? null;
  let isAsked = agent !== null;

  function learn(action: HaloAction): void {
    const by = nameOf(action);
    if (by !== '' && by !== assumed.webClient) learnt ??= by;
    const id = agentOf(action);
    if (agent === null && id > 0) agent = id;
  }

  /**
   * The application decides where its name is known: people may share the agent it logs in as. Before our first write,
   * what our agent did through any other application than the web client is ours.
   */
  function isOurs(action: HaloAction, ownAgent: number | null): boolean {
    const by = nameOf(action);
    if (by !== '' && (by === learnt || configured.includes(by))) return true;
    if (by === assumed.webClient || (by !== '' && learnt !== null)) return false;
    return ownAgent !== null && agentOf(action) === ownAgent;
  }

  return {
    isOurs,
    learn,
    async agentId(call) {
      if (learnt !== null || isAsked) return agent;
      // Not every application may ask; then the first write tells.
      const own = await client.get('Agent/me', {}, me, { ...call, what: 'Asking who we are' }).catch(unlessPassing);
      isAsked = true;
      agent ??= own?.id ?? null;
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
      const isMachine = action.who_type === assumed.systemWho || (agentId === 0 && nameOf(action) === '');
      if (isMachine) return { name, role: 'automation' };
      const known = byId(words.agents, agentId);
      const email = known?.email ?? '';
      return { name: name === '' ? (known?.name ?? '') : name, role: 'agent', ...(email === '' ? {} : { email }) };
    },
  };
}

function unlessPassing(error: unknown): null {
  // An answer of another shape is one: this Halo does not say who we are.
  if (!(error instanceof HelpdeskError) || error.code === 'not-json') return null;
  if (['retry', 'slow-down'].includes(error.class)) throw error;
  return null;
}

function nameOf(action: HaloAction): string {
  return (action.actionby_application_id ?? '').toLowerCase();
}

function agentOf(action: HaloAction): number {
  return Math.max(0, action.actionby_agent_id ?? action.who_agentid ?? 0);
}

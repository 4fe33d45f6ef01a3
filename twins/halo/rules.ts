/** Automations: what the desk does by itself after a write. A rule's own effects trigger no other rule. */
import { makeAction } from './actions.ts';
import type { Desk, Switches } from './desk.ts';
import { noSwitches } from './desk.ts';
import type { Action, Actor, Outcome, Rule, Ticket } from './model.ts';
import { outcome } from './seed.ts';

/** What has just happened on a ticket. */
export interface Cause {
  readonly ticket: Ticket;
  readonly actor: Actor;
  readonly switches: Switches;
  /** The action that was created, if there is one. */
  readonly action: Action | null;
  readonly created: boolean;
  readonly statusChanged: boolean;
  readonly wasClosed: boolean;
}

/** Runs the rules that a write triggers. Returns the ids of the actions created at once. */
export function runRules(desk: Desk, cause: Cause): number[] {
  const made: number[] = [];
  for (const rule of desk.store.list('rule')) {
    if (!rule.enabled || !matches(desk, rule, cause)) continue;
    if (cause.switches.noRules && rule.ignoresSwitches !== true) continue;
    if (rule.delayMs === undefined || rule.delayMs <= 0) made.push(fire(desk, rule, cause.ticket).id);
    else {
      desk.later(rule.delayMs, () => {
        const ticket = desk.store.ticket(cause.ticket.id);
        if (ticket === null || ticket.deleted) return;
        const action = desk.store.atomically(() => fire(desk, rule, ticket));
        desk.announce({ event: 'new action', ticketId: ticket.id, actionIds: [action.id] });
      });
    }
  }
  return made;
}

function matches(desk: Desk, { when }: Rule, cause: Cause): boolean {
  if (when.on === 'action' && cause.action === null) return false;
  if (when.on === 'created' && !cause.created) return false;
  if (when.on === 'status' && !cause.statusChanged) return false;
  if (when.by !== undefined && when.by !== 'any' && when.by !== cause.actor.by) return false;
  if (when.outcome !== undefined && when.outcome !== cause.action?.outcome) return false;
  if (when.hidden !== undefined && when.hidden !== cause.action?.hiddenfromuser) return false;
  if (when.wasClosed !== undefined && when.wasClosed !== cause.wasClosed) return false;
  return when.status === undefined || desk.store.find('status', cause.ticket.status_id)?.name === when.status;
}

function fire(desk: Desk, rule: Rule, ticket: Ticket): Action {
  const { does } = rule;
  const agent = does.as === undefined ? null : desk.store.named('agent', does.as);
  const actor: Actor = agent === null ? { by: 'system' } : { by: 'agent', agentId: agent.id, name: agent.name };
  const named: Outcome | null = does.outcome === undefined ? null : desk.store.named('outcome', does.outcome);
  const kind = named ?? outcome(0, does.outcome ?? rule.name, { hidden: true });
  const status = does.status === undefined ? undefined : desk.store.named('status', does.status)?.id;
  const input = {
    note_html: does.note_html ?? '',
    customfields: Object.entries(does.fields ?? {}).map(([name, value]) => ({ name, value })),
    ...(does.hidden === undefined ? {} : { hiddenfromuser: does.hidden }),
  };
  const override = status === undefined ? {} : { status };
  return makeAction(desk, ticket, input, {
    kind,
    actor,
    switches: noSwitches,
    mails: does.mail ?? false,
    ...override,
  });
}

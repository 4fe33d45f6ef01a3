/**
 * Which tickets a Halo webhook names. Its body is free-form (the desk's owner writes the template), unsigned and never
 * trusted: numbers under keys that name a ticket, nothing else.
 */
import type { HintOf } from '#connectors/contract/helpdesk.ts';

const most = 100;
const ticketKeys = new Set(['ticket_id', 'ticketid', 'faultid', 'fault_id', 'entity_id', 'object_id']);
const holderKeys = new Set(['ticket', 'tickets', 'faults']);

export const hintOf: HintOf = (body) => {
  const found = new Set<string>();
  collect(body, '', 0, found);
  // A template may send the bare ticket.
  if (found.size === 0 && !Array.isArray(body)) collect({ ticket: body }, '', 0, found);
  return [...found].slice(0, most);
};

function collect(value: unknown, key: string, depth: number, found: Set<string>): void {
  if (depth > 6 || found.size >= most || typeof value !== 'object' || value === null) return;
  if (Array.isArray(value)) {
    for (const one of value.slice(0, 1000)) collect(one, key, depth + 1, found);
    return;
  }
  for (const [name, inner] of Object.entries(value)) {
    const lower = name.toLowerCase();
    const isTicket = ticketKeys.has(lower) || (lower === 'id' && holderKeys.has(key));
    if (isTicket && isId(inner)) found.add(String(inner));
    else collect(inner, lower, depth + 1, found);
  }
}

function isId(value: unknown): boolean {
  return (typeof value === 'number' || typeof value === 'string') && /^[1-9]\d{0,14}$/.test(String(value));
}

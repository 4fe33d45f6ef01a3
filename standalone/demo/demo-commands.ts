/** Commands that try the demo. They need no token, because a twin lets people act without one. */
import type { DemoDesks } from './demo-desks.ts';
import { escalation, people } from './demo-ticket.ts';
import type { DemoTicket } from './demo-ticket.ts';
import { shellWord } from '#standalone/machine/shell.ts';

/** Returns two commands: one escalates the ticket at Acme, the other shows the newest ticket of its name at Northwind. */
export function commandsFor(desks: DemoDesks, { id, summary }: DemoTicket): { escalate: string; show: string } {
  const body = JSON.stringify({ ...escalation, note: 'Can you help?' });
  const agent = encodeURIComponent(people.acme.agent);
  const [word = summary] = summary.split(' ');
  return {
    escalate: curl(`${desks.acme.url}/twin/agent/${agent}/tickets/${id}/actions?as=text`, body),
    show: show(desks, word),
  };
}

function show({ northwind: { url, token } }: DemoDesks, word: string): string {
  if (token === undefined) return curl(`${url}/twin/tickets?search=${encodeURIComponent(word)}&count=1&as=text`);
  const query = encodeURIComponent(`Subject LIKE '${word}'`);
  const asked = `${url}/REST/2.0/tickets?query=${query}&fields=Subject,Status,Requestor&orderby=id&order=DESC&per_page=1`;
  return `curl -H ${shellWord(`Authorization: token ${token}`)} ${shellWord(asked)}`;
}

function curl(url: string, body?: string): string {
  const sent = body === undefined ? [] : ['-H', shellWord('Content-Type: application/json'), '-d', shellWord(body)];
  return ['curl', ...sent, shellWord(url)].join(' ');
}

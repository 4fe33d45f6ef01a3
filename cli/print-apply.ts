/** What `ferry apply` says. */
import type { Change } from '#operate/apply/difference.ts';
import type { Fault } from '#operate/apply/fault.ts';
import { shortly } from './print.ts';

const signs = { add: '+', change: '~', remove: '-' } as const;

export function changeLine(change: Change): string {
  const start = `${signs[change.op]} ${change.path}`;
  if (change.secret === true)
    return `${start} (secret${change.op === 'change' ? ', changed' : change.op === 'remove' ? ', removed' : ''})`;
  if (change.op === 'change') return `${start}: ${shortly(change.before)} → ${shortly(change.after)}`;
  return `${start}: ${shortly(change.op === 'add' ? change.after : change.before)}`;
}

/** `links.yaml:14:13: Northwind has no status "Dun". Did you mean "Done"? [unknown-name, links.…]` */
export function faultLine(file: string, fault: Fault): string {
  const where = fault.line === 0 ? `${file} (stored)` : `${file}:${fault.line}:${fault.column}`;
  const what = fault.path === '' ? fault.code : `${fault.code}, ${fault.path}`;
  return `${where}: ${fault.message} ${fault.fix} [${what}]`;
}

export function count(number: number, one: string, more = `${one}s`): string {
  return number === 1 ? `1 ${one}` : `${number} ${more}`;
}

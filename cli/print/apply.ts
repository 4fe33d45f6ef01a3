/** The output of `ferry apply`. */
import type { Change } from '#operate/apply/difference.ts';
import { shortly } from './text.ts';

const signs = { add: '+', change: '~', remove: '-' } as const;

export function changeLine(change: Change): string {
  const start = `${signs[change.op]} ${change.path}`;
  if (change.secret === true)
    return `${start} (secret${change.op === 'change' ? ', changed' : change.op === 'remove' ? ', removed' : ''})`;
  if (change.op === 'change') return `${start}: ${shortly(change.before)} → ${shortly(change.after)}`;
  return `${start}: ${shortly(change.op === 'add' ? change.after : change.before)}`;
}

/** Writes a fault as one line of text, in the format that editors understand. */
import type { Fault } from './fault.ts';

/** `links.yaml:14:13: Northwind has no status "Dun". Did you mean "Done"? [unknown-name, links.…]` */
export function faultLine(file: string, fault: Fault): string {
  const where = fault.line === 0 ? `${file} (stored)` : `${file}:${fault.line}:${fault.column}`;
  const what = fault.path === '' ? fault.code : `${fault.code}, ${fault.path}`;
  return `${where}: ${fault.message} ${fault.fix} [${what}]`;
}

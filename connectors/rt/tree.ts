/** A message of RT as the tree of parts that its mail was. RT keeps each part with the id of the one around it. */
import type { RtPart } from './wire.ts';

export type Node = { readonly part: RtPart; readonly children: readonly Node[] };

/** @param parts in order of their ids, those with content before the same without */
export function treeOf(parts: readonly RtPart[]): readonly Node[] {
  const byId = new Map<string, RtPart>();
  for (const part of parts) {
    const known = byId.get(part.id);
    byId.set(part.id, known === undefined ? part : { ...known, Parent: known.Parent ?? part.Parent });
  }
  const all = [...byId.values()].sort((a, b) => Number(a.id) - Number(b.id));
  const parents = bounded(all, all.some((part) => part.Parent !== undefined) ? said(all, byId) : guessed(all));
  const children = Map.groupBy(all, (part) => parents.get(part.id) ?? '');
  // Parents have lower ids than their children, so nothing can go round in a circle.
  const nodes = new Map<string, Node>();
  for (const part of all.toReversed()) {
    const own = (children.get(part.id) ?? []).map((child) => nodes.get(child.id)).filter((one) => one !== undefined);
    nodes.set(part.id, { part, children: own });
  }
  return (children.get('') ?? []).map((part) => nodes.get(part.id)).filter((one) => one !== undefined);
}

/** Nobody puts mails deeper into each other; who reads the tree goes down one call for each level. */
const maxDepth = 100;

/** The deepest level; deeper parts become siblings of the part around them, so that nothing is lost. */
function bounded(all: readonly RtPart[], parents: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const depths = new Map<string, number>();
  const near = new Map<string, string>();
  for (const { id } of all) {
    const parent = parents.get(id);
    if (parent === undefined) continue;
    const depth = depths.get(parent) ?? 0;
    const around = depth < maxDepth ? parent : near.get(parent);
    if (around !== undefined) near.set(id, around);
    depths.set(id, Math.min(depth + 1, maxDepth));
  }
  return near;
}

/** A part without its parent becomes a root, because the listing of texts omits other parts. */
function said(all: readonly RtPart[], byId: ReadonlyMap<string, RtPart>): ReadonlyMap<string, string> {
  const parents = new Map<string, string>();
  for (const { id, Parent } of all) {
    if (Parent !== undefined && byId.has(Parent) && Number(Parent) < Number(id)) parents.set(id, Parent);
  }
  return parents;
}

/** Where RT does not say it: parts follow the one around them, and an attached mail has all that follows. */
function guessed(all: readonly RtPart[]): ReadonlyMap<string, string> {
  const parents = new Map<string, string>();
  const open: RtPart[] = [];
  for (const part of all) {
    const around = open.at(-1);
    if (around?.ContentType === 'multipart/alternative' && !isText(part) && !isContainer(part)) open.pop();
    const parent = open.at(-1);
    if (parent !== undefined) parents.set(part.id, parent.id);
    if (isContainer(part)) open.push(part);
    else if (parent?.ContentType === 'multipart/alternative' && part.ContentType === 'text/html') open.pop();
  }
  return parents;
}

export function isContainer({ ContentType }: RtPart): boolean {
  return ContentType.startsWith('multipart/') || isMail(ContentType);
}

export function isMail(contentType: string): boolean {
  return contentType === 'message/rfc822' || contentType === 'message/global';
}

function isText({ ContentType }: RtPart): boolean {
  return ContentType.startsWith('text/');
}

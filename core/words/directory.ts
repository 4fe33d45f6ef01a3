/**
 * Instances by name: ids such as `acme` here, issuer URLs between gateways, so that no two instances of the world are
 * confused. A name from outside is compared whole with those that are known, and never taken apart: what is neither ours
 * nor a peer's keeps its URL as its id.
 */
export type Directory = {
  /** At which others reach this gateway, without a trailing slash. */
  readonly publicUrl: string;
  /** Issuer URL of each peer instance by its id here. */
  readonly peers: ReadonlyMap<string, string>;
  /** Ids of the instances whose issuer URLs are ours: those that we drive, and those of API clients. */
  readonly own: ReadonlySet<string>;
};

export function issuerOf(directory: Directory, instance: string): string {
  if (instance.includes('://')) return instance;
  return directory.peers.get(instance) ?? ownIssuer(directory, instance);
}

export function instanceOf(directory: Directory, issuer: string): string {
  for (const [id, url] of directory.peers) if (url === issuer) return id;
  for (const id of directory.own) if (ownIssuer(directory, id) === issuer) return id;
  return issuer;
}

/** Whether somebody else's word for this name would be a word for us: only this gateway gives out names under its URL. */
export function isUnderOurs({ publicUrl }: Pick<Directory, 'publicUrl'>, issuer: string): boolean {
  const [ours, named] = [URL.parse(publicUrl), URL.parse(issuer)];
  if (ours === null || named === null || ours.host !== named.host) return false;
  return named.pathname.startsWith(`${ours.pathname.replace(/\/$/, '')}/`);
}

/** Whether the name is spelled as the URL parser spells it, so that nothing passes for another name to people. */
export function isPlainIssuer(issuer: string): boolean {
  const url = URL.parse(issuer);
  return url !== null && url.href === issuer && url.username === '' && url.search === '' && url.hash === '';
}

/** `https://gw.example/i/acme` → the gateway's API, and the instance's id there; null for what is no issuer. */
export function partsOfIssuer(issuer: string): { readonly api: string; readonly instance: string } | null {
  const found = /^(.+)\/i\/([a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)$/.exec(issuer);
  return found?.[1] === undefined || found[2] === undefined ? null : { api: found[1], instance: found[2] };
}

/** How a peer's instance is to be called here: an id as every other, whatever its length there. */
export function peerIdOf(instance: string): string {
  return `${instance.slice(0, 58).replace(/-{1,58}$/, '')}-peer`;
}

function ownIssuer({ publicUrl }: Directory, id: string): string {
  return `${publicUrl}/i/${id}`;
}

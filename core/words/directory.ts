/**
 * Instances by name: ids such as `acme` here, issuer URLs between gateways, so that no two instances anywhere are
 * confused. A name from outside is compared as a whole with known names and never parsed; one that is neither ours nor
 * a peer's keeps its URL as its id.
 */
export type Directory = {
  /** The URL at which others reach this gateway, without a trailing slash. */
  readonly publicUrl: string;
  /** Issuer URL of each peer instance, by its id here. */
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

/** Tells whether an issuer lies under our URL: only this gateway may assign such names. */
export function isUnderOurs({ publicUrl }: Pick<Directory, 'publicUrl'>, issuer: string): boolean {
  const [ours, named] = [URL.parse(publicUrl), URL.parse(issuer)];
  if (ours === null || named === null || ours.host !== named.host) return false;
  return named.pathname.startsWith(`${ours.pathname.replace(/\/$/, '')}/`);
}

/**
 * Tells whether the issuer is spelled exactly as the URL parser spells it, so that people cannot mistake it for
 * another.
 */
export function isPlainIssuer(issuer: string): boolean {
  const url = URL.parse(issuer);
  return url !== null && url.href === issuer && url.username === '' && url.search === '' && url.hash === '';
}

/**
 * Splits `https://gw.example/i/acme` into the gateway's API and the instance's id there; null if it is not an issuer.
 */
export function partsOfIssuer(issuer: string): { readonly api: string; readonly instance: string } | null {
  const found = /^(.+)\/i\/([a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)$/.exec(issuer);
  return found?.[1] === undefined || found[2] === undefined ? null : { api: found[1], instance: found[2] };
}

/** Derives the local id of a peer's instance: valid like any other, however long the id is there. */
export function peerIdOf(instance: string): string {
  return `${instance.slice(0, 58).replace(/-{1,58}$/, '')}-peer`;
}

function ownIssuer({ publicUrl }: Directory, id: string): string {
  return `${publicUrl}/i/${id}`;
}

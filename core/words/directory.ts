/**
 * Instances by name: ids such as `acme` here, issuer URLs between gateways, so that no two instances of the world are
 * confused. What is neither ours nor a peer's keeps its URL as its id.
 */
export type Directory = {
  /** At which others reach this gateway, without a trailing slash. */
  readonly publicUrl: string;
  /** Issuer URL of each peer instance by its id here. */
  readonly peers: ReadonlyMap<string, string>;
};

export function issuerOf(directory: Directory, instance: string): string {
  if (instance.includes('://')) return instance;
  return directory.peers.get(instance) ?? `${directory.publicUrl}/i/${instance}`;
}

export function instanceOf(directory: Directory, issuer: string): string {
  for (const [id, url] of directory.peers) if (url === issuer) return id;
  const own = `${directory.publicUrl}/i/`;
  return issuer.startsWith(own) ? issuer.slice(own.length) : issuer;
}

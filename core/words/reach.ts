/**
 * Who speaks for an instance. The only place that interprets names of types; db/base/reach.ts is its equivalent in SQL.
 */

/**
 * Types of instances without a connector: another gateway or an API client speaks for them. No connector has these
 * names.
 */
export const remoteTypes = ['peer', 'api'] as const;

export type RemoteType = (typeof remoteTypes)[number];

/**
 * `driven`: this gateway, through a connector. `peer`: another gateway. `api`: an API client, which calls this gateway.
 */
export type Reach = 'driven' | RemoteType;

export function reachOf(type: string): Reach {
  return remoteTypes.find((remote) => remote === type) ?? 'driven';
}

/**
 * Tells whether a peer gateway or an API client speaks for it: nothing is read or written there, only handed over and
 * received.
 */
export function isRemote(type: string): boolean {
  return reachOf(type) !== 'driven';
}

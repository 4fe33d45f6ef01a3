/** What sending to a peer or an API client needs of a worker. */
import type { SourceDeps } from '#activities/carry/deps.ts';
import type { WorkDeps } from '#activities/deps.ts';
import type { TurnDeps } from '#activities/turn.ts';

/** An API client fetches what is put ready for it. */
export type OfferDeps = TurnDeps & SourceDeps & SignDeps;

/** A peer is called, and gets the files first. */
export type HandOverDeps = OfferDeps & Pick<WorkDeps, 'peers' | 'blobs'>;

export type SignDeps = Pick<WorkDeps, 'db' | 'publicUrl' | 'signer'>;

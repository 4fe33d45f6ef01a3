/** What every request to Halo goes along with. */
import type { NotAfter } from '#connectors/contract/not-after.ts';

export type Call = {
  /** For people, in errors: `Adding a note to ticket 12`. */
  readonly what: string;
  readonly link: string | null;
  readonly signal: AbortSignal;
};

/** Of a URL; what is undefined is left out. */
export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

/** Of a request that changes something. */
export type WriteCall = Call & { readonly notAfter: NotAfter };

/** What every request to Halo goes along with. */

export type Call = {
  /** For people, in errors: `Adding a note to ticket 12`. */
  readonly what: string;
  readonly link: string | null;
  readonly signal: AbortSignal;
};

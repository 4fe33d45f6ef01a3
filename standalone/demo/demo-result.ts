/** The result of the demo's set-up, for the line of `--json` and for the terminal. */
export type DemoResult = {
  /** Appears unchanged in the line of `--json`, including the demo's credentials. */
  readonly details: Readonly<Record<string, unknown>>;
  /** Commands for the terminal: escalate a ticket, then see it on the other side. */
  readonly curl: { readonly escalate: string; readonly show: string } | undefined;
  /** The ticket that the commands use, as arguments for `ferry trace`. */
  readonly ticket?: { readonly instance: string; readonly id: number; readonly summary: string };
};

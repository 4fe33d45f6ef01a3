/** What the demo's set-up leaves: for the line of `--json`, and for the terminal. */
export type DemoResult = {
  /** Goes into the one line of `--json` as it is; credentials of the demo included. */
  readonly details: Readonly<Record<string, unknown>>;
  /** Commands for the terminal: escalate a ticket, then see it on the other side. */
  readonly curl: { readonly escalate: string; readonly show: string } | undefined;
  /** The ticket that the commands are about, as `ferry trace` wants it. */
  readonly ticket?: { readonly instance: string; readonly id: number; readonly summary: string };
};

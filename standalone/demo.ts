// What the demo seeds once everything runs. Standalone knows only this contract; what the twins and the links are
// is filled in by whoever wires it.

export type TwinName = 'acme' | 'northwind';

export type DemoDeps = {
  readonly databaseUrl: string;
  readonly temporalAddress: string;
  readonly gatewayUrl: string;
  /** base64, 32 bytes: what secrets are sealed with. */
  readonly secretKey: string;
  readonly adminToken: string;
  readonly twins: Readonly<Record<TwinName, { readonly url: string }>>;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
};

export type DemoResult = {
  /** Goes into the one line of `--json` as it is; credentials of the demo included. */
  readonly details: Readonly<Record<string, unknown>>;
  /** Commands for the terminal: escalate a ticket, then see it on the other side. */
  readonly curl: { readonly escalate: string; readonly show: string } | undefined;
};

/** Must be idempotent: it runs at every start. */
export type SeedDemo = (deps: DemoDeps) => Promise<DemoResult>;

export async function seedDemo(): Promise<DemoResult> {
  return { details: {}, curl: undefined };
}

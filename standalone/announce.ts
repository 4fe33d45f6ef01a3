// What a start prints once everything runs: text for people, or one line of JSON.
import type { DemoResult } from './demo.ts';
import type { Ports } from './kept.ts';

export type Running = {
  readonly pid: number;
  readonly data: string;
  readonly logs: string;
  readonly gateway: { readonly url: string; readonly adminToken: string };
  readonly postgres: {
    readonly url: string;
    readonly host: string;
    readonly port: number;
    readonly user: string;
    readonly password: string;
    readonly database: string;
  };
  readonly temporal: {
    readonly address: string;
    readonly namespace: string;
    readonly ui: string | null;
  };
  readonly twins: Readonly<Record<string, { readonly url: string }>>;
  readonly pids: Readonly<Record<string, number>>;
};

export function asJson(running: Running, demo: DemoResult | undefined): string {
  return JSON.stringify({
    ready: true,
    ...running,
    demo: demo === undefined ? null : { ...demo.details, curl: demo.curl ?? null },
  });
}

export function asText(running: Running, demo: DemoResult | undefined): string {
  const rows: [string, string][] = [['Gateway', running.gateway.url]];
  for (const [name, twin] of Object.entries(running.twins)) rows.push([titles[name] ?? name, twin.url]);
  rows.push(['Temporal', running.temporal.ui ?? running.temporal.address]);
  rows.push(['PostgreSQL', `${running.postgres.host}:${running.postgres.port}/${running.postgres.database}`]);
  rows.push(['Data', running.data], ['Logs', running.logs]);
  const lines = ['', 'Ferry runs.', '', ...rows.map(([what, where]) => `  ${what.padEnd(26)}${where}`)];
  if (demo?.curl !== undefined) {
    lines.push('', 'Escalate a ticket of Acme:', '', `  ${demo.curl.escalate}`);
    lines.push('', 'See it at Northwind:', '', `  ${demo.curl.show}`);
  }
  return [...lines, '', 'Ctrl-C stops everything.', ''].join('\n');
}

const titles: Readonly<Record<string, string>> = {
  acme: 'Acme (customer)',
  northwind: 'Northwind MSP (supplier)',
};

export function local(port: Ports[keyof Ports]): string {
  return `http://127.0.0.1:${port}`;
}

/** The output of a start once everything is running: text for people, or one line of JSON. */
import type { DemoResult } from '#standalone/demo/demo-result.ts';
import { ferryCommand } from './command-line.ts';

export type Running = {
  readonly pid: number;
  readonly data: string;
  readonly logs: string;
  /** The demo's page; null without a demo. */
  readonly page: { readonly url: string } | null;
  readonly gateway: { readonly url: string };
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
  const rows: [string, string][] = [
    ...(running.page === null ? [] : [['Open this', running.page.url] satisfies [string, string]]),
    ['Gateway', running.gateway.url],
  ];
  for (const [name, twin] of Object.entries(running.twins)) rows.push([titles[name] ?? name, twin.url]);
  rows.push(['Temporal', running.temporal.ui ?? running.temporal.address]);
  rows.push(['PostgreSQL', `${running.postgres.host}:${running.postgres.port}/${running.postgres.database}`]);
  rows.push(['Data', running.data], ['Logs', running.logs]);
  const lines = ['', 'Ferry is running.', '', ...rows.map(([what, where]) => `  ${what.padEnd(26)}${where}`)];
  const ferry = (words: string): string => ferryCommand(words, running.data);
  if (demo?.curl === undefined)
    lines.push(
      '',
      'To link your helpdesks, write a file (README.md shows one), then:',
      '',
      `  ${ferry('apply links.yaml')}`,
    );
  else lines.push('', ...steps(demo, demo.curl, ferry));
  return [...lines, '', 'Ctrl-C stops everything and keeps the data.', ''].join('\n');
}

function steps(
  { ticket }: DemoResult,
  { escalate, show }: NonNullable<DemoResult['curl']>,
  ferry: (words: string) => string,
): string[] {
  const what = ticket === undefined ? 'a ticket' : `ticket ${ticket.id}, "${ticket.summary}",`;
  return [
    `An agent of Acme escalates ${what} to Northwind:`,
    '',
    `  ${escalate}`,
    '',
    'To see it there:',
    '',
    `  ${show}`,
    ...(ticket === undefined
      ? []
      : [
          '',
          'To see what Ferry did:',
          '',
          `  ${ferry(`trace ${ticket.instance} ${ticket.id}`)}`,
          `  ${ferry('status')}`,
        ]),
  ];
}

const titles: Readonly<Record<string, string>> = {
  acme: 'Acme (customer)',
  northwind: 'Northwind MSP (supplier)',
};

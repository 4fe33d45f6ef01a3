// The initial contents of the tests' Request Tracker; test/real/rt/seed.pl creates them.

export type SeedField = {
  readonly name: string;
  /** RT's own word: SelectSingle, FreeformSingle, Date, DateTime … */
  readonly type: string;
  readonly options?: readonly string[];
  /** On transactions instead of tickets. */
  readonly transaction?: boolean;
};

export type SeedPerson = {
  readonly name: string;
  readonly realName: string;
  readonly email: string;
};

export type SeedPlan = {
  readonly queues: readonly string[];
  readonly customFields: readonly SeedField[];
  readonly agents: readonly SeedPerson[];
  readonly endUsers: readonly SeedPerson[];
  /** Arguments of connectors/rt/setup.pl. */
  readonly setup: readonly string[];
};

/** A placeholder in the plan for what differs between instances; it is replaced in the copied database. */
export const placeholders = {
  domain: 'rt-template.example',
  webhookUrl: 'http://webhook.invalid/',
  webhookSecret: 'secret-of-the-template',
} as const;

export const defaultQueues: readonly string[] = ['Support', 'Escalations', 'Acme'];

export const defaultFields: readonly SeedField[] = [
  { name: 'Supplier', type: 'SelectSingle', options: ['Northwind MSP', 'Contoso'] },
  { name: 'Severity', type: 'SelectSingle', options: ['Low', 'Normal', 'High'] },
  { name: 'Category', type: 'SelectSingle', options: ['Hardware', 'Network', 'Software'] },
  { name: 'Due window', type: 'Date' },
  { name: 'Started', type: 'DateTime' },
  { name: 'Asset', type: 'FreeformSingle' },
  { name: 'Sites', type: 'SelectMultiple', options: ['Leeds', 'York', 'Hull'] },
];

/** @param queues in which the service user works */
export function seedPlan(
  queues: readonly string[],
  customFields: readonly SeedField[],
  webhook: boolean,
  secretFile: string,
  quiet: boolean,
): SeedPlan {
  const person = (name: string, realName: string): SeedPerson => ({
    name,
    realName,
    email: `${name}@${placeholders.domain}`,
  });
  return {
    queues,
    customFields,
    agents: [person('agent1', 'Agent One'), person('agent2', 'Agent Two')],
    endUsers: [person('user1', 'User One')],
    setup: [
      '--token',
      ...['--user', 'gateway', '--email', `gateway@${placeholders.domain}`],
      ...queues.flatMap((queue) => ['--queue', queue]),
      ...(webhook ? ['--webhook', placeholders.webhookUrl, '--secret-file', secretFile] : []),
      ...(quiet ? [] : ['--no-quiet']),
    ],
  };
}

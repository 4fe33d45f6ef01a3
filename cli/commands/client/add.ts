/** `ferry client add` */
import { otherSide } from '#core/words/ends.ts';
import type { CliDeps, GlobalOptions } from '#cli/deps.ts';
import { exitCodes } from '#cli/errors.ts';
import { contactOption, instanceOption, sideOption } from '#cli/options.ts';
import { withOperator } from '#cli/wire.ts';
import { addClient, type ClientAdded } from '#operate/clients/add.ts';

export type ClientAddOptions = GlobalOptions & {
  readonly as?: string;
  readonly instance?: string;
  readonly tool?: string;
  readonly name?: string;
  readonly contact?: string;
  readonly dpop?: boolean;
  readonly json?: boolean;
};

/** Adds a link with an API client, or another client to such a link. */
export async function add(link: string, options: ClientAddOptions, deps: CliDeps): Promise<number> {
  const { tool, name } = options;
  const contact = contactOption(options.contact);
  const added = await withOperator(
    options,
    deps,
    (operator) =>
      addClient(
        operator,
        link,
        () => ({
          role: sideOption(
            options.as,
            'say which side of the link the API client is: --as customer (it escalates) or --as supplier (it receives escalations)',
          ),
          instance: instanceOption(options.instance),
          tool,
          name,
          contact,
        }),
        options.dpop === true,
      ),
    { secrets: true },
  );
  for (const line of options.json === true ? [json(added)] : text(added)) deps.out(`${line}\n`);
  return exitCodes.ok;
}

function json({ client, secret, publicUrl, instance, role }: ClientAdded): string {
  return JSON.stringify({
    client,
    secret,
    issuer: `${publicUrl}/i/${instance}`,
    token: `${publicUrl}/oauth/token`,
    role,
  });
}

function text({ client, secret, publicUrl, instance, role, tool }: ClientAdded): string[] {
  return [
    `client_id      ${client}`,
    `client_secret  ${secret}`,
    '',
    'The secret is shown only this once. Use it for:',
    `  issuer  ${publicUrl}/i/${instance}`,
    `  token   ${publicUrl}/oauth/token (client credentials)`,
    `  calls   ${publicUrl}/v1/${otherSide(role)}/…, as the ${role}; ${publicUrl}/docs lists them all`,
    ...(tool === null
      ? []
      : [
          '',
          `Next: write into links.yaml what your side sends and how it maps (${role}: ${tool}), then run ferry apply (docs/settings.md).`,
        ]),
  ];
}

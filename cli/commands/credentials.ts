/** `ferry client add|rotate|revoke`, `ferry link rotate`, `ferry key rotate`: what both sides of a link prove themselves with. */
import { otherSide } from '#core/words/ends.ts';
import { suggestion } from '#core/words/nearest.ts';
import type { SideName } from '#core/words/vocabulary.ts';
import {
  addApiClient,
  createApiLink,
  findClient,
  knownClients,
  revokeApiClient,
  rotateClientSecret,
  type Credentials,
  type KnownClient,
} from '#db/links/api-clients.ts';
import { writeAudit } from '#db/settings/apply-links.ts';
import type { Client } from '#db/base/client.ts';
import { keyUses, rotateKey, type KeyUse, type Seal } from '#db/links/keys.ts';
import { loadLink, LinkError } from '#db/links/link-life.ts';
import { sidesOf } from '#db/links/peers.ts';
import { linkStandings } from '#db/links/link-status.ts';
import type { GlobalOptions } from '#cli/context.ts';
import type { CliDeps } from '#cli/deps.ts';
import { CliError, exitCodes } from '#cli/errors.ts';
import { readContact } from '#cli/link/contact.ts';
import { linkOrFail, localInstanceOrFail, withLinks } from '#cli/link/open.ts';

const by = 'cli';
const idForm = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

export type ClientAddOptions = GlobalOptions & {
  readonly as?: string;
  readonly instance?: string;
  readonly tool?: string;
  readonly name?: string;
  readonly contact?: string;
  readonly json?: boolean;
};

/** A link with an in-house tool, or a further client of one. */
export async function clientAdd(link: string, options: ClientAddOptions, deps: CliDeps): Promise<number> {
  const contact = options.contact === undefined ? null : readContact(options.contact);
  return withLinks(options, deps, { secrets: true }, async ({ db, seal, publicUrl }) => {
    const url = publicUrl();
    const known = await loadLink(db, link);
    if (known !== null) {
      const sides = await sidesOf(db, link);
      if (sides?.farReach !== 'api' || sides.far === null)
        throw new CliError('not-api', exitCodes.no, `the link ${link} has no API side; give the new one another id`);
      if (known.state === 'closed' || known.state === 'closing')
        throw new CliError('link-closed', exitCodes.no, `the link ${link} has ended; give the new one another id`);
      const made = await addApiClient(db, link, sides.far, sides.ownInstance, by);
      tell(made, { ...options, url, instance: sides.ownInstance, role: sides.far }, deps);
      return exitCodes.ok;
    }
    const role = roleOf(options.as);
    if (options.instance === undefined)
      throw new CliError(
        'no-instance',
        exitCodes.usage,
        'name your instance of the link with --instance ID; ferry status lists them',
      );
    const tool = options.tool ?? `${link}-tool`.slice(0, 63);
    for (const id of [link, tool])
      if (!idForm.test(id))
        throw new CliError(
          'wrong-id',
          exitCodes.usage,
          `"${id}" can't be an id; use lower-case letters, digits and hyphens, at most 63`,
        );
    await localInstanceOrFail(db, options.instance);
    const instance = options.instance;
    const made = await db
      .transaction((tx) =>
        createApiLink(tx, {
          link,
          side: otherSide(role),
          instance,
          tool: { id: tool, name: options.name ?? tool },
          publicUrl: url,
          farContact: contact,
          seal,
          by,
        }),
      )
      .catch((error: unknown) => {
        if (error instanceof LinkError) throw new CliError(error.code, exitCodes.no, error.message);
        throw error;
      });
    tell(made, { ...options, url, instance, role }, deps);
    if (options.json !== true)
      deps.out(
        `\nNext: say in links.yaml what your side sends and how it maps (${role}: ${made.instance}), then ferry apply (docs/settings.md).\n`,
      );
    return exitCodes.ok;
  });
}

function tell(
  { client, secret }: Credentials,
  about: { readonly json?: boolean; readonly url: string; readonly instance: string; readonly role: SideName },
  { out }: CliDeps,
): void {
  const issuer = `${about.url}/i/${about.instance}`;
  if (about.json === true) {
    out(`${JSON.stringify({ client, secret, issuer, token: `${about.url}/oauth/token`, role: about.role })}\n`);
    return;
  }
  for (const line of [
    `client_id      ${client}`,
    `client_secret  ${secret}`,
    '',
    'The secret is shown this once. It is for:',
    `  issuer  ${issuer}`,
    `  token   ${about.url}/oauth/token (client credentials)`,
    `  calls   ${about.url}/v1/${otherSide(about.role)}/…, as the ${about.role}; ${about.url}/docs has them all`,
  ])
    out(`${line}\n`);
}

function roleOf(text: string | undefined): SideName {
  if (text === 'customer' || text === 'supplier') return text;
  throw new CliError(
    'no-side',
    exitCodes.usage,
    'say which side of the link the tool is: --as customer (it escalates) or --as supplier (tickets are opened in it)',
  );
}

export async function clientRotate(id: string, options: GlobalOptions, deps: CliDeps): Promise<number> {
  return withLinks(options, deps, { secrets: false }, async ({ db }) => {
    const client = await clientOrFail(db, id);
    if (client.isPeer)
      throw new CliError(
        'no-secret',
        exitCodes.no,
        `${id} is another gateway and has no secret; it rotates its own keys (ferry link rotate there)`,
      );
    if (client.revoked)
      throw new CliError('revoked', exitCodes.no, `${id} is revoked; add another with ferry client add ${client.link}`);
    deps.out(`client_secret  ${await rotateClientSecret(db, id, by)}\n`);
    deps.out('It is shown this once. The secrets before it work for another 24 hours.\n');
    return exitCodes.ok;
  });
}

export async function clientRevoke(id: string, options: GlobalOptions, deps: CliDeps): Promise<number> {
  return withLinks(options, deps, { secrets: false }, async ({ db }) => {
    const client = await clientOrFail(db, id);
    const done = await revokeApiClient(db, id, by);
    deps.out(
      done
        ? `${id} is revoked: from now on neither its credentials nor its tokens work.${client.isPeer ? ` The other gateway of ${client.link} can call no more; pair again to undo it.` : ''}\n`
        : `${id} was revoked before.\n`,
    );
    return exitCodes.ok;
  });
}

async function clientOrFail(db: Client, id: string): Promise<KnownClient> {
  const client = await findClient(db, id);
  if (client !== null) return client;
  const known = await knownClients(db);
  throw new CliError(
    'unknown-client',
    exitCodes.no,
    `there is no client "${id}". ${known.length === 0 ? 'There are none; see ferry client add.' : suggestion(id, known)}`,
  );
}

/** Our client key, with overlap; the API client's secret where the other side is one. */
export async function linkRotate(link: string, options: GlobalOptions, deps: CliDeps): Promise<number> {
  return withLinks(options, deps, { secrets: true }, async ({ db, seal }) => {
    await linkOrFail(db, link);
    const sides = await sidesOf(db, link);
    if (sides === null || sides.far === null)
      throw new CliError(
        'nothing-to-rotate',
        exitCodes.no,
        `both helpdesks of ${link} are driven by this gateway; change their credentials in links.yaml`,
      );
    if (sides.farReach === 'api') {
      const [standing] = await linkStandings(db, link);
      const clients = standing?.clients ?? [];
      if (clients.length === 0)
        throw new CliError(
          'unknown-client',
          exitCodes.no,
          `the link ${link} has no client that may call; add one with ferry client add ${link}`,
        );
      for (const client of clients)
        deps.out(`${client}\n  client_secret  ${await rotateClientSecret(db, client, by)}\n`);
      deps.out('They are shown this once. The secrets before them work for another 24 hours.\n');
      return exitCodes.ok;
    }
    deps.out(`${await rotate(db, seal, sides.ownInstance, 'client')}\n`);
    return exitCodes.ok;
  });
}

/** All keys of an instance, or those of one use. */
export async function keyRotate(
  instance: string,
  options: GlobalOptions & { readonly use?: string },
  deps: CliDeps,
): Promise<number> {
  const uses = options.use === undefined ? keyUses : keyUses.filter((use) => use === options.use);
  if (uses.length === 0)
    throw new CliError(
      'unknown-use',
      exitCodes.usage,
      `"${options.use ?? ''}" is no use of a key; choose one of ${keyUses.join(', ')}`,
    );
  return withLinks(options, deps, { secrets: true }, async ({ db, seal }) => {
    await localInstanceOrFail(db, instance);
    for (const use of uses) deps.out(`${await rotate(db, seal, instance, use)}\n`);
    return exitCodes.ok;
  });
}

async function rotate(db: Client, seal: Seal, instance: string, use: KeyUse): Promise<string> {
  const { kid, signsFrom } = await rotateKey(db, seal, instance, use);
  await writeAudit(db, by, [{ what: 'key-rotate', subject: `instances/${instance}`, detail: { use, kid } }]);
  const minutes = Math.max(0, Math.round((Date.parse(signsFrom) - Date.now()) / 60_000));
  const old =
    use === 'provenance'
      ? 'the one before stays published, to verify with'
      : 'the one before goes a quarter of an hour after';
  return `${instance} ${use}: key ${kid} is published now and signs in ${minutes} minutes; ${old}.`;
}

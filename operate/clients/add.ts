/** Adds a link with an API client, or another client to such a link. */
import { otherSide } from '#core/words/ends.ts';
import type { WireContact } from '#core/wire.ts';
import type { SideName } from '#core/words/vocabulary.ts';
import { addApiClient, createApiLink, type Credentials } from '#db/links/api-clients.ts';
import { LinkError, loadLink, type LinkRow } from '#db/links/link-life.ts';
import { sidesOf } from '#db/links/peers.ts';
import { change, changed } from '#operate/change.ts';
import { assertInstance, isId } from '#operate/known.ts';
import { publicUrlOf, type Operator } from '#operate/operator.ts';
import { Refused } from '#operate/refused.ts';
import { allow } from '#operate/rights.ts';

export type NewLink = {
  /** The API client's side of the link. */
  readonly role: SideName;
  /** Our instance, on the other side. */
  readonly instance: string;
  /** Id of the instance that represents the API client; if absent, derived from the link. */
  readonly tool?: string | undefined;
  /** Name of the API client. */
  readonly name?: string | undefined;
  /** The person on duty for the API client. */
  readonly contact: WireContact | null;
};

export type ClientAdded = Credentials & {
  readonly link: string;
  readonly role: SideName;
  /** The URL that it calls. */
  readonly publicUrl: string;
  /** Our instance. */
  readonly instance: string;
  /** The instance that represents the API client, if it is new. */
  readonly tool: string | null;
};

/**
 * Adds a client, and returns its secret, which is not shown again.
 * @param fresh returns the settings of the link; called only if the link does not exist yet
 * @param dpop whether its tokens must be bound to a key of the client
 * @throws Refused no-public-url, not-api, link-closed, wrong-id, unknown-instance, not-local, link-exists
 */
export async function addClient(
  operator: Operator,
  link: string,
  fresh: () => NewLink,
  dpop = false,
): Promise<ClientAdded> {
  allow(operator, 'client-add', { link });
  const publicUrl = publicUrlOf(operator);
  const known = await loadLink(operator.db, link);
  return known === null
    ? addLink(operator, link, dpop, fresh(), publicUrl)
    : addFurther(operator, link, dpop, known.state, publicUrl);
}

async function addFurther(
  operator: Operator,
  link: string,
  dpop: boolean,
  state: LinkRow['state'],
  publicUrl: string,
): Promise<ClientAdded> {
  const sides = await sidesOf(operator.db, link);
  if (sides?.farReach !== 'api' || sides.far === null)
    throw new Refused('not-api', 'state', `the link ${link} has no API client; choose a different id for the new link`);
  if (state === 'closed' || state === 'closing')
    throw new Refused('link-closed', 'state', `the link ${link} has ended; choose a different id for the new link`);
  const { far: role, ownInstance: instance } = sides;
  return change(operator, async (tx) => {
    const made = await addApiClient(tx, { link, role, instance, dpop });
    return changed(
      { ...made, link, role, publicUrl, instance, tool: null },
      { what: 'client-add', subject: `clients/${made.client}`, detail: { link, role, dpop } },
    );
  });
}

async function addLink(
  operator: Operator,
  link: string,
  dpop: boolean,
  { role, instance, contact, ...wanted }: NewLink,
  publicUrl: string,
): Promise<ClientAdded> {
  const tool = wanted.tool ?? `${link}-tool`.slice(0, 63);
  for (const id of [link, tool])
    if (!isId(id))
      throw new Refused(
        'wrong-id',
        'wrong',
        `"${id}" can't be an id; use lower-case letters, digits and hyphens, at most 63`,
      );
  await assertInstance(operator.db, instance);
  return change(operator, async (tx) => {
    const made = await createApiLink(tx, {
      link,
      side: otherSide(role),
      instance,
      tool: { id: tool, name: wanted.name ?? tool },
      publicUrl,
      farContact: contact,
      dpop,
      seal: operator.seal,
      by: operator.actor.name,
    });
    return changed(
      { client: made.client, secret: made.secret, link, role, publicUrl, instance, tool: made.instance },
      {
        what: 'client-add',
        subject: `clients/${made.client}`,
        detail: { link, role, dpop, madeLink: true, instance, tool: made.instance },
      },
    );
  }).catch((error: unknown) => {
    if (error instanceof LinkError) throw new Refused(error.code, 'state', error.message);
    throw error;
  });
}

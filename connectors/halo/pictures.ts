/**
 * Pictures in notes. Halo shows them by `…/api/attachment/image?token=<JWT>`: everybody with that address sees the picture,
 * so it never leaves. Ferry's id of such a picture is what the token's payload names it by, and stays the same when
 * Halo makes another token for it.
 */
import { HelpdeskError } from '#connectors/contract/errors.ts';
import type { OpenedAttachment } from '#connectors/contract/helpdesk.ts';
import { sha256Hex } from '#core/text/fingerprint.ts';
import type { Attachment } from '#core/words/vocabulary.ts';
import type { Call } from './call.ts';
import type { HaloClient } from './client.ts';

const prefix = 'image-';
const uuid = /^\{?([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\}?$/i;
/** Of a token itself, not of what it is for. */
const ofToken = new Set(['iat', 'exp', 'nbf', 'jti', 'auth_time', 'nonce']);

/** Ferry's id of the picture at this address of the desk; undefined where it is no such address. */
export function pictureId(url: URL): string | undefined {
  if (!/\/api\/attachment\/image$/i.test(url.pathname)) return undefined;
  const token = url.searchParams.get('token') ?? '';
  if (token === '') return undefined;
  return `${prefix}${nameIn(token)}`;
}

export function isPicture(attachmentId: string): boolean {
  return attachmentId.startsWith(prefix);
}

function nameIn(token: string): string {
  try {
    const payload = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as unknown;
    if (typeof payload === 'object' && payload !== null) {
      const claims = Object.entries(payload).filter(([key]) => !ofToken.has(key));
      const named = claims.flatMap(([, value]) => (typeof value === 'string' ? (uuid.exec(value)?.[1] ?? []) : []));
      if (named[0] !== undefined) return named[0].toLowerCase();
      return sha256Hex(JSON.stringify(claims)).slice(0, 32);
    }
  } catch {
    // Named by the token itself.
  }
  return sha256Hex(token).slice(0, 32);
}

/** As a file of the note that shows it. Its type and size nobody knows before it is fetched. */
export function pictureFile(id: string, index: number): Attachment {
  return { id, name: `picture-${index + 1}.png`, type: null, sizeBytes: null, inline: true, sha256: null };
}

/** Addresses of pictures as last read; for one that is not known, or no longer good, the ticket is read again. */
export type Pictures = {
  remember(ticketId: string, shown: ReadonlyMap<string, string>): void;
  /** `find` gives every address by which the ticket shows this picture: anybody may write one that looks like it. */
  open(ticketId: string, id: string, find: () => Promise<readonly string[]>, call: Call): Promise<OpenedAttachment>;
};

const mostKept = 5_000;

export function createPictures(client: HaloClient): Pictures {
  const addresses = new Map<string, string>();

  /** Null where the address is not good. */
  async function tried(address: string, call: Call): Promise<OpenedAttachment | null> {
    return client.open(address, call).catch((error: unknown) => {
      if (error instanceof HelpdeskError && error.code === 'link-refused') return null;
      throw error;
    });
  }

  return {
    remember(ticketId, shown) {
      for (const [id, address] of shown) {
        if (!isPicture(id)) continue;
        if (addresses.size >= mostKept) addresses.clear();
        addresses.set(`${ticketId} ${id}`, address);
      }
    },
    async open(ticketId, id, find, call) {
      const known = addresses.get(`${ticketId} ${id}`);
      const first = known === undefined ? null : await tried(known, call);
      if (first !== null) return first;
      const others = (await find()).filter((address) => address !== known);
      for (const address of others) {
        const opened = await tried(address, call);
        if (opened === null) continue;
        addresses.set(`${ticketId} ${id}`, address);
        return opened;
      }
      throw new HelpdeskError('gone', 'not-found', `${call.what}: no note shows this picture any more.`);
    },
  };
}

/** Judges whether the stored signature of an action still proves it. */
import { createHash } from 'node:crypto';
import { issuerOf, type Directory } from '#core/words/directory.ts';
import type { OriginKey } from '#db/exchange/origin-keys.ts';
import type { Said } from '#db/operate/said.ts';
import type { Signatures } from '#operate/operator.ts';
import { comparableText } from '#core/text/fingerprint.ts';
import { sanitise, unreadHtml } from '#core/text/html.ts';

export type Judgement = {
  /** * `holds`: its origin has signed exactly this. `vouched`: signed by a key for which only a link vouched, and which the origin
   * never published. `own`: written here. `unsigned`: only the sender vouches for it.
   */
  readonly verdict: 'holds' | 'vouched' | 'own' | 'unsigned' | 'expired' | 'broken';
  readonly why: string | null;
  readonly kid: string | null;
  /** The link that vouched for the key; null if the key is in the origin's own key set, or there is no key. */
  readonly vouchedBy: string | null;
};

export type KeysOf = (origin: string, kid: string) => Promise<readonly OriginKey[]>;

export async function judge(
  said: Said,
  directory: Directory,
  keysOf: KeysOf,
  signatures: Signatures,
): Promise<Judgement> {
  const result = (verdict: Judgement['verdict'], why: string | null, key: Partial<Judgement> = {}): Judgement => ({
    verdict,
    why,
    kid: null,
    vouchedBy: null,
    ...key,
  });
  const isHere = !said.origin.includes('://') && !directory.peers.has(said.origin);
  if (said.signed === null) {
    if (isHere) return result('own', null);
    return said.expired
      ? result('expired', 'Its contents were deleted when their retention ended.')
      : result('unsigned', null);
  }
  const hash = createHash('sha256').update(said.signed).digest('hex');
  if (hash !== said.hash)
    return result('broken', 'The stored signed text differs from the text that was hashed on arrival.');
  const differs = differenceTo(said, directory);
  if (differs !== null) return result('broken', `The stored ${differs} differs from the signed one.`);
  if (said.signature === null) return isHere ? result('own', null) : result('unsigned', null);
  const signer = signatures.signerOf(said.signature);
  const origin = issuerOf(directory, said.origin);
  if (signer === null) return result('broken', 'The stored signature is not a signature.');
  if (signer.issuer !== origin)
    return result('broken', `It is signed by ${signer.issuer}, not by its origin ${origin}.`);
  const keys = await keysOf(origin, signer.kid);
  if (keys.length === 0)
    return result(
      'broken',
      `The key ${signer.kid} of ${origin} is not stored here, so the signature can't be checked.`,
      {
        kid: signer.kid,
      },
    );
  const { signed, signature } = said;
  for (const { key, vouchedBy } of keys) {
    if (!(await signatures.isSignedBy(signed, signature, key))) continue;
    const known = { kid: signer.kid, vouchedBy };
    return vouchedBy !== null && directory.peers.has(said.origin)
      ? result('vouched', `Only the link ${vouchedBy} vouched for its key, before its origin was paired.`, known)
      : result('holds', null, known);
  }
  return result('broken', `The key ${signer.kid} of ${origin} did not make the signature.`, {
    kid: signer.kid,
    vouchedBy: keys[0]?.vouchedBy ?? null,
  });
}

/** Returns the part of the row that differs from the signed text; null if none does. Deleted content is not a difference. */
function differenceTo(said: Said, directory: Directory): string | null {
  let signed: Record<string, unknown>;
  try {
    signed = JSON.parse(said.signed ?? '') as Record<string, unknown>;
  } catch {
    return 'text';
  }
  if (signed['id'] !== said.id) return 'id';
  if (signed['origin'] !== issuerOf(directory, said.origin)) return 'origin';
  if (Date.parse(String(signed['at'])) !== Date.parse(said.at)) return 'time';
  if (signed['audience'] !== said.audience) return 'audience';
  if (said.expired) return null;
  const author = (signed['author'] ?? {}) as Record<string, unknown>;
  if (
    author['name'] !== said.author?.name ||
    author['email'] !== said.author?.email ||
    author['role'] !== said.author?.role
  )
    return 'author';
  const digests = said.attachments.map(({ sha256 }) => sha256);
  if (JSON.stringify(signed['attachments'] ?? []) !== JSON.stringify(digests)) return 'list of files';
  const images = new Set(said.attachments.map(({ id }) => id));
  const note = signed['note'];
  return isNote(typeof note === 'string' ? note : null, said.note, images) ? null : 'note';
}

/** Says whether two notes have the same text and links, because an earlier version may have read the signed note differently. */
function isNote(signed: string | null, kept: string | null, images: ReadonlySet<string>): boolean {
  if (signed === null || kept === null) return signed === kept;
  const read = sanitise(signed, { images });
  if (read === kept || unreadHtml(signed) === kept) return true;
  const linked = new Set(linksOf(read));
  return comparableText(read) === comparableText(kept) && linksOf(kept).every((link) => linked.has(link));
}

function linksOf(html: string): readonly string[] {
  return [...html.matchAll(/ (?:href|src)="([^"<>]*)"/g)].map(([, link = '']) => link);
}

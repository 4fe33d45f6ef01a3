/**
 * Pictures in notes. Their address is `…/api/attachment/image?token=<JWT>`: anybody who has it sees the picture,
 * without a login. The payload names the picture by a UUID.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import type { Desk } from './desk.ts';
import type { Attachment } from './model.ts';

export function pictureUrl(desk: Desk, guid: string): string {
  return `${desk.baseUrl()}/api/attachment/image?token=${tokenFor(desk, guid)}`;
}

function tokenFor(desk: Desk, guid: string): string {
  const head = encoded({ alg: 'HS256', typ: 'JWT' });
  const body = encoded({ attachment_guid: guid, iat: Math.floor(desk.now() / 1000), iss: desk.name });
  return `${head}.${body}.${signature(desk, `${head}.${body}`)}`;
}

/** Finds the picture that a token was created for; null if this desk did not create the token. */
export function pictureOf(desk: Desk, token: string): Attachment | null {
  const [head = '', body = '', given = ''] = token.split('.');
  const [right, wrong] = [Buffer.from(signature(desk, `${head}.${body}`)), Buffer.from(given)];
  if (right.length !== wrong.length || !timingSafeEqual(right, wrong)) return null;
  const guid = guidIn(token);
  return guid === null ? null : desk.store.attachmentOf(guid);
}

/** Reads what a token's payload names, without checking it; null if it is not such a token. */
export function guidIn(token: string): string | null {
  try {
    const payload = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as unknown;
    const guid = (payload as { attachment_guid?: unknown } | null)?.attachment_guid;
    return typeof guid === 'string' ? guid : null;
  } catch {
    return null;
  }
}

/** Creates an address from which one file can be fetched without a login for a minute, like a CDN's signed address. */
export function fileLink(desk: Desk, id: number): string {
  const until = desk.now() + 60_000;
  return `${desk.baseUrl()}/cdn/${id}?until=${until}&signature=${signature(desk, `${id} ${until}`)}`;
}

export function isFileLink(desk: Desk, id: number, until: number, given: string): boolean {
  return until > desk.now() && given === signature(desk, `${id} ${until}`);
}

function signature(desk: Desk, text: string): string {
  return createHmac('sha256', desk.store.meta('instance') ?? '')
    .update(text)
    .digest('base64url');
}

function encoded(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

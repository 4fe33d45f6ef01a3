/**
 * Contents at rest: if a key is configured, what people wrote, their names, and field values are sealed on their way
 * into the database and opened on their way out. Without a key none of this costs anything.
 *
 * Each piece is a JWE (RFC 7516: `dir`, `A256GCM`) inside the clear text `ferry-sealed:…;`. Its header names the key
 * and the column's label; each label has its own key, derived from the configured one. In a JSON value the keys stay
 * clear, and so does whatever SQL uses; the rest is sealed piece by piece.
 */
import { createCipheriv, createDecipheriv, createHash, createHmac, hkdfSync, randomBytes } from 'node:crypto';

type Shape = {
  /** Every column with this content, as `table.column`. */
  readonly columns: readonly string[];
  /** Levels of objects and lists that stay clear; 0: the whole value is one piece. */
  readonly depth: number;
  /** Keys whose values stay clear, since SQL uses them: ids, codes, instants, digests. */
  readonly clear?: readonly string[];
  /** Equal values are sealed equally, since SQL compares them. */
  readonly same?: true;
};

const code = ['code'];

/** Every column that is sealed. test/db/base/content.test.ts compares this and `clearColumns` with the schema. */
export const contentShapes = {
  author: { columns: ['actions.author'], depth: 1, clear: ['role'] },
  note: { columns: ['actions.note'], depth: 0 },
  words: { columns: ['actions.words'], depth: 2 },
  attachments: {
    columns: ['actions.attachments'],
    depth: 2,
    clear: ['id', 'sha256', 'sizeBytes', 'inline', 'type'],
  },
  signed: { columns: ['actions.signed'], depth: 0 },
  opening: { columns: ['actions.opening'], depth: 0 },
  reason: { columns: ['deliveries.reason', 'attempts.reason', 'couriers.reason'], depth: 1, clear: code },
  drops: { columns: ['deliveries.drops', 'actions.drops'], depth: 2, clear: code },
  receipt: {
    columns: ['deliveries.receipt'],
    depth: 2,
    clear: ['outcome', 'code', 'at', 'kind', 'escalation', 'role'],
    same: true,
  },
  'relayed-words': { columns: ['deliveries.words'], depth: 0 },
  constant: { columns: ['deliveries.constant'], depth: 0 },
  sent: { columns: ['deliveries.sent'], depth: 0 },
  'offered-action': { columns: ['offers.action'], depth: 0 },
  'offered-receipt': { columns: ['offers.receipt'], depth: 0 },
  snapshot: {
    columns: ['tickets.snapshot', 'trials.before'],
    depth: 1,
    clear: ['closed', 'ticketId', 'number', 'url'],
    same: true,
  },
  plan: { columns: ['writes.plan'], depth: 2 },
  failure: { columns: ['attachments.failure'], depth: 0 },
  notice: { columns: ['notices.text'], depth: 0 },
} as const satisfies Readonly<Record<string, Shape>>;

export type ContentLabel = keyof typeof contentShapes;

/** The key did not open it, or there is no key. */
export class ContentKeyError extends Error {
  override readonly name = 'ContentKeyError';
  readonly code: 'content-key-missing' | 'content-damaged';

  constructor(code: ContentKeyError['code'], message: string) {
    super(message);
    this.code = code;
  }
}

/** Seals with the first of a set of keys, and opens with any. */
export type Sealer = {
  /** Id of the key that seals. */
  readonly kid: string;
  readonly kids: readonly string[];
  seal(label: ContentLabel, value: unknown): unknown;
  openText(text: string): string;
  openJson(text: string): unknown;
  /** For `like`: how every piece of a label begins that the first key has sealed. */
  prefixes(label: ContentLabel): readonly string[];
  /** Changes a text that is not content, so that it can't be mistaken for a sealed piece. */
  clear(text: string): string;
};

const mark = 'ferry-sealed:';
const piece = /ferry-sealed:([\w-]{1,400})\.\.([\w-]{16})\.([\w-]*)\.([\w-]{22});/g;

/** Derives an id for a key that reveals nothing about it. */
export function contentKeyId(key: Uint8Array): string {
  return createHash('sha256').update('ferry content key id').update(key).digest('base64url').slice(0, 11);
}

/** Returns null without keys. @param keys 32 bytes each */
export function createSealer(keys: readonly Uint8Array[]): Sealer | null {
  const [first] = keys;
  if (first === undefined) return null;
  const byKid = new Map(keys.map((key) => [contentKeyId(key), key]));
  const kid = contentKeyId(first);
  const derived = new Map<string, Buffer>();
  const derive = (of: Uint8Array, kidOf: string, purpose: string): Buffer => {
    const name = `${kidOf} ${purpose}`;
    const known = derived.get(name);
    if (known !== undefined) return known;
    const made = Buffer.from(hkdfSync('sha256', of, Buffer.alloc(0), `ferry content ${purpose}`, 32));
    derived.set(name, made);
    return made;
  };
  const headers = new Map<string, string>();
  const header = (label: ContentLabel, isJson: boolean): string => {
    const name = `${label} ${isJson}`;
    const known = headers.get(name);
    if (known !== undefined) return known;
    const parts = { alg: 'dir', enc: 'A256GCM', kid, ctx: label, ...(isJson ? { cty: 'json' } : {}) };
    const made = Buffer.from(JSON.stringify(parts)).toString('base64url');
    headers.set(name, made);
    return made;
  };
  const sealPiece = (label: ContentLabel, value: unknown): string => {
    const isJson = typeof value !== 'string';
    const plain = Buffer.from(isJson ? JSON.stringify(value) : value, 'utf8');
    const head = header(label, isJson);
    const shape: Shape = contentShapes[label];
    const iv =
      shape.same === true
        ? createHmac('sha256', derive(first, kid, `${label} iv`))
            .update(head)
            .update(plain)
            .digest()
            .subarray(0, 12)
        : randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', derive(first, kid, label), iv);
    cipher.setAAD(Buffer.from(head, 'ascii'));
    const sealed = Buffer.concat([cipher.update(plain), cipher.final()]);
    const tag = cipher.getAuthTag();
    return `${mark}${head}..${iv.toString('base64url')}.${sealed.toString('base64url')}.${tag.toString('base64url')};`;
  };
  const clear = (text: string): string => (text.includes(mark) ? text.replaceAll(mark, 'ferry-sealed ') : text);
  const walk = (label: ContentLabel, shape: Shape, value: unknown, depth: number): unknown => {
    if (value === null || value === undefined) return value;
    if (depth === 0 || typeof value !== 'object') return sealPiece(label, value);
    if (Array.isArray(value)) return value.map((one: unknown) => walk(label, shape, one, depth - 1));
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [
        key,
        shape.clear?.includes(key) === true
          ? typeof inner === 'string'
            ? clear(inner)
            : inner
          : walk(label, shape, inner, depth - 1),
      ]),
    );
  };
  const openPiece = (
    head: string,
    iv: string,
    sealed: string,
    tag: string,
  ): { text: string; isJson: boolean } | null => {
    const parts = headerOf(head);
    if (parts === null) return null;
    const key = byKid.get(parts.kid);
    if (key === undefined)
      throw new ContentKeyError(
        'content-key-missing',
        `the database holds contents that were sealed with the key ${parts.kid}, which FERRY_CONTENT_KEY does not hold; add that key after the current one`,
      );
    const decipher = createDecipheriv('aes-256-gcm', derive(key, parts.kid, parts.ctx), Buffer.from(iv, 'base64url'));
    decipher.setAAD(Buffer.from(head, 'ascii'));
    decipher.setAuthTag(Buffer.from(tag, 'base64url'));
    try {
      const plain = Buffer.concat([decipher.update(Buffer.from(sealed, 'base64url')), decipher.final()]);
      return { text: plain.toString('utf8'), isJson: parts.isJson };
    } catch {
      throw new ContentKeyError('content-damaged', `contents (${parts.ctx}) in the database are damaged; restore them`);
    }
  };
  const openText = (text: string): string =>
    text.includes(mark)
      ? text.replaceAll(
          piece,
          (whole, head: string, iv: string, sealed: string, tag: string) =>
            openPiece(head, iv, sealed, tag)?.text ?? whole,
        )
      : text;
  const openValue = (value: unknown): unknown => {
    if (typeof value === 'string') {
      if (!value.startsWith(mark)) return openText(value);
      const found = new RegExp(`^${piece.source}$`).exec(value);
      const [, head = '', iv = '', sealed = '', tag = ''] = found ?? [];
      const opened = found === null ? null : openPiece(head, iv, sealed, tag);
      if (opened === null) return openText(value);
      return opened.isJson ? (JSON.parse(opened.text) as unknown) : opened.text;
    }
    if (Array.isArray(value)) return value.map(openValue);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, openValue(inner)]));
  };
  return {
    kid,
    kids: [...byKid.keys()],
    seal: (label, value) => walk(label, contentShapes[label], value, contentShapes[label].depth),
    openText,
    openJson(text) {
      const value: unknown = JSON.parse(text);
      return text.includes(mark) ? openValue(value) : value;
    },
    prefixes: (label) => [true, false].map((isJson) => `${mark}${header(label, isJson)}.`),
    clear,
  };
}

/** Returns null if it is not a header of ours, but somebody's text. */
function headerOf(head: string): { kid: string; ctx: ContentLabel; isJson: boolean } | null {
  try {
    const { alg, enc, kid, ctx, cty } = JSON.parse(Buffer.from(head, 'base64url').toString('utf8')) as Record<
      string,
      unknown
    >;
    if (alg !== 'dir' || enc !== 'A256GCM' || typeof kid !== 'string' || !/^[\w-]{11}$/.test(kid)) return null;
    if (typeof ctx !== 'string' || !Object.hasOwn(contentShapes, ctx)) return null;
    return { kid, ctx: ctx as ContentLabel, isJson: cty === 'json' };
  } catch {
    return null;
  }
}

const tag = Symbol('content');

/** A parameter that the connection seals if it has a key, and sends in clear text otherwise. */
export type Content = { readonly [tag]: ContentLabel; readonly value: unknown };
/** A `text[]` in which some elements are contents. */
type ContentArray = { readonly [array]: readonly (string | null | Content)[] };
const array = Symbol('array of contents');
/** JSON that contains contents. */
type ContentJson = { readonly [json]: unknown };
const json = Symbol('JSON with contents');

/**
 * Marks a value for a text or JSON column as content; null stays null. In SQL a JSON value is cast:
 * `${content('words', words)}::jsonb`.
 */
export function content(label: ContentLabel, value: unknown): Content | null {
  return value === null || value === undefined ? null : { [tag]: label, value };
}

/** Marks a JSON parameter that contains contents. */
export function contentJson(value: unknown): ContentJson {
  return { [json]: value };
}

export function contentArray(values: readonly (string | null | Content)[]): ContentArray {
  return { [array]: values };
}

export function isContent(value: unknown): value is Content {
  return typeof value === 'object' && value !== null && tag in value;
}

/** Returns the text of a text label, or the JSON of a JSON label. */
function textOf({ [tag]: label, value }: Content, sealer: Sealer | null): string {
  const sealed = sealer === null ? value : sealer.seal(label, value);
  return isText(label) ? String(sealed) : JSON.stringify(sealed);
}

const texts: readonly ContentLabel[] = ['note', 'signed', 'failure', 'notice'];

function isText(label: ContentLabel): boolean {
  return texts.includes(label);
}

/** Returns what is sent for a parameter. @param literal writes an array the way PostgreSQL does */
export function resolved(
  parameter: unknown,
  sealer: Sealer | null,
  literal: (values: readonly (string | null)[]) => string,
): unknown {
  if (typeof parameter === 'string') return sealer === null ? parameter : sealer.clear(parameter);
  if (typeof parameter !== 'object' || parameter === null) return parameter;
  const clear = (text: string): string => (sealer === null ? text : sealer.clear(text));
  if (isContent(parameter)) return textOf(parameter, sealer);
  if (array in parameter)
    return literal(
      (parameter as ContentArray)[array].map((one) =>
        one === null ? null : typeof one === 'string' ? clear(one) : textOf(one, sealer),
      ),
    );
  if (json in parameter) return jsonOf((parameter as ContentJson)[json], sealer);
  return parameter;
}

function jsonOf(whole: unknown, sealer: Sealer | null): string {
  /** Values that have been sealed are not processed again. */
  const done = new WeakSet<object>();
  const note = (value: unknown): unknown => {
    if (typeof value !== 'object' || value === null) return value;
    done.add(value);
    Object.values(value).forEach(note);
    return value;
  };
  return JSON.stringify(whole, function (this: object, _key, value: unknown) {
    if (isContent(value)) return sealer === null ? value.value : note(sealer.seal(value[tag], value.value));
    return typeof value === 'string' && sealer !== null && !done.has(this) ? sealer.clear(value) : value;
  });
}

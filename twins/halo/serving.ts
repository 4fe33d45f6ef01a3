/** What the routes share: the parts of a running desk, and the reading of request bodies. */
import { setTimeout as delay } from 'node:timers/promises';
import type { HttpBindings } from '@hono/node-server';
import type { Context } from 'hono';
import type { Auth, Login } from './auth.ts';
import type { Changes } from './changes.ts';
import type { Desk } from './desk.ts';
import { HaloError, refused } from './errors.ts';
import type { Fault, Faults } from './faults.ts';
import type { Input } from './input.ts';
import { isInput, wholeOf } from './input.ts';
import type { Limiter } from './ratelimit.ts';
import type { RequestLog } from './requests.ts';
import type { Webhooks } from './webhooks.ts';

export interface Serving {
  readonly desk: Desk;
  readonly auth: Auth;
  readonly faults: Faults;
  readonly limiter: Limiter;
  readonly log: RequestLog;
  readonly webhooks: Webhooks;
  readonly changes: Changes;
  readonly product: string;
  readonly version: string;
  readonly tenant: string;
  /** The desk's own colour, `#rrggbb`. */
  readonly accent: string;
  /** Origins whose pages may show the desk's pages in a frame. */
  readonly frameAncestors: readonly string[];
  /**
   * How long creating a ticket takes, in milliseconds. A second creation within that time fails, as in Halo's race for
   * numbers.
   */
  readonly createMs: number;
  readonly maxAttachmentBytes: number;
  /** Called with every request to the API. */
  readonly watch?: (request: SeenRequest) => void;
  /** Goes away and comes back: all connections end, and the port refuses new ones for that many milliseconds. */
  restart(ms: number): void;
  reset(): void;
}

/** A request as a watcher of the twin sees it. */
export interface SeenRequest {
  readonly method: string;
  /** The path as written: `/api/Tickets/12`. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** The parsed body, without the bytes of files. Undefined if there is none. */
  readonly body: unknown;
  readonly authorized: boolean;
}

export interface Env {
  Bindings: HttpBindings;
  Variables: { login: Login; faults: readonly Fault[]; body: unknown };
}

export type Ctx = Context<Env>;

const bodyLimit = 48 * 1024 * 1024;

/** Reads the elements of a POST: an array of objects, as every Halo collection requires. Throws 400 and 413. */
export async function elementsOf(c: Ctx): Promise<Input[]> {
  return checkElements(c, await jsonOf(c));
}

/** Returns the body's elements, without what an ordered fault drops from them. */
export function checkElements(c: Ctx, body: unknown): Input[] {
  c.set('body', body);
  if (!Array.isArray(body)) throw refused('Cannot deserialize the current JSON object into an array');
  const elements = body.filter(isInput);
  if (elements.length !== body.length || elements.length === 0) throw refused('The array holds no objects');
  const dropped = c.get('faults').filter((fault) => fault.kind === 'dropped-field');
  if (dropped.length === 0) return elements;
  const names = new Set(dropped.map((fault) => fault.field));
  return elements.map((one) => Object.fromEntries(Object.entries(one).filter(([name]) => !names.has(name))));
}

/** Throws Halo's map of errors if one of these properties is present but is not a whole number. */
export function checkNumbers(elements: readonly Input[], names: readonly string[]): readonly Input[] {
  const wrong = elements.flatMap((element, index) =>
    names.flatMap((name) => {
      const value = element[name];
      if (value === undefined || value === null || wholeOf(element, name) !== undefined) return [];
      return [[`[${index}].${name}`, [`The value ${JSON.stringify(value)} is not valid.`]]];
    }),
  );
  if (wrong.length > 0) throw new HaloError(400, 'The request is invalid.', Object.fromEntries(wrong));
  return elements;
}

/** Reads the JSON body. Throws 400 for anything else and 413 if it is too large. */
export async function jsonOf(c: Ctx): Promise<unknown> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of c.env.incoming as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > bodyLimit) throw new HaloError(413, 'Request Entity Too Large');
    parts.push(part);
  }
  await wait(c);
  try {
    return JSON.parse(Buffer.concat(parts).toString()) as unknown;
  } catch {
    throw refused('The request body is not valid JSON');
  }
}

/**
 * Waits as long as an ordered fault demands. A write waits after its body has arrived, so that it is done even if the
 * caller gives up meanwhile.
 */
export async function wait(c: Ctx): Promise<void> {
  for (const fault of c.get('faults')) if (fault.kind === 'slow' || fault.kind === 'late-commit') await delay(fault.ms);
}

/** Reads the JSON object of a person's request. An empty body is an empty object. */
export async function objectOf(c: Ctx): Promise<Input> {
  const length = c.req.header('content-length');
  if (length === '0' || (length === undefined && c.req.header('transfer-encoding') === undefined)) return {};
  const body = await jsonOf(c);
  if (!isInput(body)) throw refused('The request body is not a JSON object');
  return body;
}

/** Tells whether the caller is a browser, rather than a person at a terminal or a program. */
export function wantsPage(c: Ctx): boolean {
  return c.req.header('accept')?.includes('text/html') === true && !wantsText(c);
}

/** Tells whether the caller is a person at a terminal (`?as=text`). */
export function wantsText(c: Ctx): boolean {
  return new URL(c.req.url).searchParams.get('as') === 'text';
}

/** Reads a positive number from the path. Throws 404 for anything else. */
export function idOf(c: Ctx, name = 'id'): number {
  const id = Number(c.req.param(name));
  if (!Number.isInteger(id) || id <= 0) throw new HaloError(404, 'Not found', { message: 'Not found' });
  return id;
}

// The requests and answers that a page prints in blocks of HTTP, as values.
import assert from 'node:assert/strict';
import { request } from 'node:http';

export type Printed = {
  /** `POST /x HTTP/1.1`, or `HTTP/1.1 200 OK`. */
  readonly first: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Without the line break before the fence. */
  readonly body: string;
};

export type PrintedExchange = { readonly asked: Printed; readonly answered: Printed | null };

/** Every block of HTTP of a page, each request with the answer that follows it. */
export function exchangesOf(page: string): PrintedExchange[] {
  const found: { asked: Printed; answered: Printed | null }[] = [];
  for (const [, text = ''] of page.matchAll(/^```http\n([\s\S]*?)\n```$/gm)) {
    const printed = parse(text);
    const last = found.at(-1);
    if (!printed.first.startsWith('HTTP/')) found.push({ asked: printed, answered: null });
    else {
      assert.ok(last?.answered === null, `an answer to nothing: ${printed.first}`);
      last.answered = printed;
    }
  }
  return found;
}

function parse(text: string): Printed {
  const at = text.indexOf('\n\n');
  const [first = '', ...lines] = (at === -1 ? text : text.slice(0, at)).split('\n');
  const headers = Object.fromEntries(
    lines.map((line) => {
      const [, name = '', value = ''] = /^([\w-]+): (.+)$/.exec(line) ?? [];
      assert.notEqual(name, '', `no header: ${line}`);
      return [name.toLowerCase(), value];
    }),
  );
  return { first, headers, body: at === -1 ? '' : text.slice(at + 2) };
}

export type Answered = { readonly status: number; readonly type: string; readonly body: string };

/** Sends it to a gateway of this machine, whatever host it names. */
export function send(to: string, { first, headers, body }: Printed): Promise<Answered> {
  const [method = '', path = ''] = first.split(' ');
  const { hostname, port } = new URL(to);
  const length = { 'content-length': String(Buffer.byteLength(body)) };
  return new Promise((resolve, reject) => {
    const sent = request(
      { hostname, port, method, path, headers: { ...headers, ...(body === '' ? {} : length) } },
      (reply) => {
        let text = '';
        reply.setEncoding('utf8').on('data', (chunk: string) => void (text += chunk));
        reply.once('end', () =>
          resolve({ status: reply.statusCode ?? 0, type: reply.headers['content-type'] ?? '', body: text }),
        );
      },
    );
    sent.once('error', reject).end(body);
  });
}

/** What was printed, where `…` in a text stands for anything; throws where the two differ. */
export function assertAs(printed: unknown, found: unknown, where = 'body'): void {
  if (typeof printed === 'string' && printed.includes('…')) {
    assert.equal(typeof found, 'string', where);
    const [start = '', end = ''] = printed.split('…');
    assert.ok(String(found).startsWith(start) && String(found).endsWith(end), `${where}: ${String(found)}`);
    return;
  }
  if (typeof printed !== 'object' || printed === null || typeof found !== 'object' || found === null) {
    assert.deepEqual(found, printed, where);
    return;
  }
  assert.deepEqual(Object.keys(found).toSorted(), Object.keys(printed).toSorted(), where);
  for (const [key, value] of Object.entries(printed))
    assertAs(value, (found as Record<string, unknown>)[key], `${where}.${key}`);
}

/**
 * Asks and reads the whole reply as text, with no stream in between: most requests of a gateway are small, and a stream
 * for each costs more than all else about it.
 */
import { isUtf8 } from 'node:buffer';
import type { Dispatcher } from 'undici';
import type { HttpReply } from '#connectors/contract/http.ts';
import { failure, markSent, refuseStrange, tooLarge, uncertain, type Exchange } from './exchange.ts';

/** @throws HelpdeskError */
export function wholeReply(
  dispatcher: Dispatcher,
  options: Dispatcher.DispatchOptions,
  exchange: Exchange,
): Promise<HttpReply> {
  return new Promise((resolve, reject) => {
    const { deadline, mark } = exchange;
    const chunks: Buffer[] = [];
    let bytes = 0;
    let status = 0;
    let headers: HttpReply['headers'] = {};
    let controller: Dispatcher.DispatchController | null = null;
    const failed = (error: unknown): void => reject(failure(error, exchange));
    // Also while it waits for a connection: then nothing of it was sent, and nothing will be.
    deadline.whenOver(() => {
      failed(over);
      controller?.abort(over);
    });
    dispatcher.dispatch(options, {
      onRequestStart(its) {
        controller = its;
        // What is thrown here ends the request before anything of it is written.
        if (deadline.isOver()) throw over;
        markSent(mark);
      },
      onResponseStart(_, code, its) {
        // Only news on the way.
        if (code < 200) return;
        status = code;
        headers = its as HttpReply['headers'];
        refuseStrange(code, its, exchange);
      },
      onResponseData(_, chunk) {
        bytes += chunk.byteLength;
        if (bytes > exchange.maxBytes) throw tooLarge(exchange);
        chunks.push(chunk);
      },
      onResponseEnd() {
        try {
          resolve({ status, headers, text: textOf(chunks, bytes, exchange) });
        } catch (error) {
          failed(error);
        }
      },
      onResponseError(_, error) {
        failed(error);
      },
    });
  });
}

const over = new Error('the time of the request is over');
const byteOrderMark = '\u{FEFF}';

function textOf(chunks: readonly Buffer[], bytes: number, exchange: Exchange): string {
  const [first] = chunks;
  if (first === undefined) return '';
  const whole = chunks.length === 1 ? first : Buffer.concat(chunks, bytes);
  if (!isUtf8(whole)) throw uncertain(exchange, 'not-utf-8', 'was answered with text that is not UTF-8');
  const text = whole.toString('utf8');
  return text.startsWith(byteOrderMark) ? text.slice(1) : text;
}

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { HttpClient, HttpReply } from '#connectors/contract/http.ts';
import { createRetryAfter } from '#activities/desk/retry-after.ts';

const signal = new AbortController().signal;
const request = { method: 'GET', url: 'http://127.0.0.1/', signal } as const;

function answering(status: number, headers: HttpReply['headers']): HttpClient {
  return {
    request: () => Promise.resolve({ status, headers, text: '' }),
    stream: () => Promise.reject(new Error('not asked here')),
  };
}

describe('a helpdesk that says when to come back', () => {
  it('is left alone until then, and no longer', async () => {
    let now = 1_000;
    const { http, check } = createRetryAfter(answering(429, { 'retry-after': '7' }), 'acme', () => now);
    check();
    await http.request(request);
    assert.throws(check, { class: 'slow-down', code: 'asked-to-wait', retryAfterMs: 7_000 });
    now += 6_999;
    assert.throws(check, { retryAfterMs: 1 });
    now += 1;
    check();
  });

  it('may say so with a date, and never for more than an hour', async () => {
    const far = new Date(Date.now() + 86_400_000).toUTCString();
    const { http, check } = createRetryAfter(answering(503, { 'retry-after': far }), 'acme', () => 0);
    await http.request(request);
    assert.throws(check, { retryAfterMs: 3_600_000 });
  });

  it('is asked on where it says nothing that can be understood, or answers', async () => {
    for (const [status, after] of [
      [429, undefined],
      [429, 'soon'],
      [200, '60'],
    ] as const) {
      const { http, check } = createRetryAfter(answering(status, { 'retry-after': after }), 'acme');
      await http.request(request);
      check();
    }
  });
});

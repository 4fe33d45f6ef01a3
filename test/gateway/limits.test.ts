// The rules of the limits by themselves: paces, places, headers, and which headers decide an address.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { callerAddress } from '#gateway/limits/caller-address.ts';
import { createClients } from '#gateway/limits/clients.ts';
import { createPace } from '#gateway/limits/pace.ts';
import { createPlaces } from '#gateway/limits/places.ts';
import { rateLimitHeaders } from '#gateway/limits/rate-limit-headers.ts';
import { createRoom } from '#gateway/limits/room.ts';
import { clientLimits } from '#gateway/limits/standard.ts';

describe('a pace', () => {
  it('lets a burst through at once, the next ones one by one, and refuses what would wait too long', () => {
    let now = 0;
    const pace = createPace({ perMinute: 600, atOnce: 5 }, 1_000, () => now);
    const waits = Array.from({ length: 20 }, () => pace.take(1)).map((taken) => (taken.ok ? taken.waitMs : 'refused'));
    assert.deepEqual(waits.slice(0, 5), [0, 0, 0, 0, 0]);
    assert.deepEqual(waits.slice(5, 15), [100, 200, 300, 400, 500, 600, 700, 800, 900, 1_000]);
    assert.deepEqual(new Set(waits.slice(15)), new Set(['refused']));
    assert.deepEqual(pace.left(), { rest: 0, fullMs: 1_500 });
    now = 1_500;
    assert.deepEqual(pace.left(), { rest: 5, fullMs: 0 });
  });

  it('never lets more through than its rate and one burst, however it is asked', () => {
    for (const cost of [1, 3, 7]) {
      let now = 0;
      const pace = createPace({ perMinute: 6_000, atOnce: 20 }, 500, () => now);
      let passed = 0;
      for (; now < 60_000; now += 7) {
        const taken = pace.take(cost);
        if (taken.ok) passed += cost;
      }
      assert.ok(passed <= 6_000 + 20 + 0.5 * 100, `${passed} passed`);
      assert.ok(passed >= 5_900, `only ${passed} passed`);
    }
  });

  it('a refusal costs nothing: a caller that waits as long as it says is admitted', () => {
    let now = 0;
    const pace = createPace({ perMinute: 60, atOnce: 2 }, 0, () => now);
    assert.equal(pace.take(2).ok, true);
    for (let again = 0; again < 1_000; again += 1) assert.equal(pace.take(1).ok, false);
    const refused = pace.take(1);
    assert.equal(refused.ok, false);
    now += refused.ok ? 0 : refused.retryMs;
    assert.deepEqual(pace.take(1), { ok: true, waitMs: 0 });
  });
});

describe('places', () => {
  it('are given in order, and one that is given back twice is one', async () => {
    const places = createPlaces({ places: 1, waiting: 2, mostWaitMs: 60_000 });
    const first = await places.enter();
    const second = places.enter();
    const third = places.enter();
    assert.equal(await places.enter(), null, 'the queue is full');
    first?.();
    first?.();
    const leave = await second;
    assert.equal(places.busy, 2);
    leave?.();
    (await third)?.();
    assert.equal(places.busy, 0);
  });

  it('who has waited too long goes without one, and keeps nobody', async () => {
    const places = createPlaces({ places: 1, waiting: 2, mostWaitMs: 5 });
    const leave = await places.enter();
    assert.equal(await places.enter(), null);
    leave?.();
    assert.equal(places.busy, 0);
    assert.notEqual(await places.enter(), null);
  });
});

describe('clients', () => {
  it('have so many requests under way, the others wait their turn, and none is lost', async () => {
    const clients = createClients({ ...clientLimits(), requestsAtATime: 3, waitingRequests: 100 });
    let busy = 0;
    let most = 0;
    let done = 0;
    const one = async (client: string): Promise<void> => {
      const place = await clients.admit(client, { authorization: undefined, bytes: 0 });
      busy += 1;
      most = Math.max(most, busy);
      await new Promise((resolve) => setImmediate(resolve));
      busy -= 1;
      done += 1;
      place.leave();
    };
    await Promise.all(Array.from({ length: 50 }, () => one('a')));
    assert.deepEqual([most, done], [3, 50]);
  });

  it('are separate: what one has used up does not reduce another', async () => {
    const clients = createClients({
      ...clientLimits(),
      requests: { perMinute: 60, atOnce: 1 },
      mostWaitMs: 0,
      refusalMs: 0,
    });
    const ask = (client: string) => clients.admit(client, { authorization: `Bearer ${client}`, bytes: 0 });
    (await ask('a')).leave();
    await assert.rejects(ask('a'), { code: 'too-many-requests' });
    (await ask('b')).leave();
    await assert.rejects(clients.assertWelcome('Bearer a'), { code: 'too-many-requests' });
    await clients.assertWelcome('Bearer b');
    await clients.assertWelcome('Bearer of nobody');
  });

  it('a file that has begun is slowed down and never refused', async () => {
    const clients = createClients({
      ...clientLimits(),
      fileBytes: { perMinute: 60_000_000, atOnce: 1_000 },
      mostWaitMs: 1,
    });
    const place = await clients.file('a');
    const from = performance.now();
    await place.bytes(50_000);
    assert.ok(performance.now() - from >= 45, 'it took as long as its pace says');
    place.leave();
  });
});

describe('the header fields of the limits', () => {
  const { requests, bytes } = clientLimits();
  const left = { rest: 97, fullMs: 60 };

  it('are lists of strings with the parameters that the draft has', () => {
    const fields = rateLimitHeaders([
      { name: 'requests', limit: requests, left },
      { name: 'bytes', unit: 'content-bytes', limit: bytes, left },
    ]);
    assert.deepEqual(fields, {
      'ratelimit-policy': '"requests";q=100;w=2, "bytes";q=4194304;w=4;qu="content-bytes"',
      ratelimit: '"requests";r=97;t=1, "bytes";r=97;t=1',
    });
  });

  it('report that nothing is left while a client is refused, for as long as Retry-After says', () => {
    assert.equal(
      rateLimitHeaders([{ name: 'requests', limit: requests, left }], 2_100).ratelimit,
      '"requests";r=0;t=3',
    );
  });
});

describe('room for waiting actions', () => {
  it('is asked for now and then, and what was taken meanwhile counts', async () => {
    let now = 0;
    let asked = 0;
    const count = () => Promise.resolve(10 * (asked += 1));
    const room = createRoom({ most: 15, now: () => now, count });
    assert.equal(await room.of('a', 'north'), 5);
    room.took('a', 'north', 4);
    assert.equal(await room.of('a', 'north'), 1);
    room.took('a', 'north', 4);
    assert.equal(await room.of('a', 'north'), 0);
    assert.equal(asked, 1);
    now = 2_001;
    assert.equal(await room.of('a', 'north'), 0);
    assert.equal(asked, 2);
  });
});

describe('the address of a caller', () => {
  const proxies = { ranges: ['10.0.0.0/8', '2001:db8:1::/48', '127.0.0.1'], header: 'x-forwarded-for' } as const;
  const { of } = callerAddress(proxies);

  it('is the other end of the connection, whatever headers say, unless that is one of our proxies', () => {
    assert.equal(callerAddress({ ...proxies, ranges: [] }).of('10.0.0.1', '203.0.113.7'), '10.0.0.1');
    assert.equal(of('198.51.100.4', '203.0.113.7'), '198.51.100.4');
    assert.equal(of('10.0.0.1', undefined), '10.0.0.1');
    assert.equal(of('10.0.0.1', '203.0.113.7'), '203.0.113.7');
    assert.equal(of('::ffff:10.0.0.1', '203.0.113.7'), '203.0.113.7');
  });

  it('is the first hop from the right that is not one of our proxies, since the caller may have forged the hops before it', () => {
    assert.equal(of('10.0.0.1', '1.1.1.1, 203.0.113.7'), '203.0.113.7');
    assert.equal(of('10.0.0.1', '10.9.9.9, 203.0.113.7, 10.0.0.2'), '203.0.113.7');
    assert.equal(of('10.0.0.1', '127.0.0.1, 203.0.113.7, 2001:db8:1::5, 10.0.0.2'), '203.0.113.7');
    assert.equal(of('10.0.0.1', '10.0.0.3, 10.0.0.2'), '10.0.0.3');
  });

  it('is the last trustworthy proxy if the chain ends in something that is not an address', () => {
    const odd = [
      'unknown',
      '_hidden',
      '',
      ' ',
      'evil.example',
      '999.1.1.1',
      '1.2.3',
      '0x7f000001',
      "' or 1=1",
      '[::1',
      '<x>',
    ];
    for (const hop of odd) {
      assert.equal(of('10.0.0.1', hop), '10.0.0.1', hop);
      assert.equal(of('10.0.0.1', `203.0.113.7, ${hop}, 10.0.0.2`), '10.0.0.2', hop);
    }
  });

  it('is read with and without a port, in brackets and out of quotes', () => {
    for (const [hop, address] of [
      ['203.0.113.7:4711', '203.0.113.7'],
      ['2001:DB8:2::7', '2001:db8:2::7'],
      ['[2001:db8:2::7]', '2001:db8:2::7'],
      ['[2001:db8:2::7]:443', '2001:db8:2::7'],
      ['"[2001:db8:2::7]:443"', '2001:db8:2::7'],
      ['::ffff:203.0.113.7', '203.0.113.7'],
    ] as const)
      assert.equal(of('10.0.0.1', hop), address, hop);
  });

  it('costs little to find in a chain of any length, and hops beyond the sixteenth are not looked at', () => {
    const from = process.cpuUsage();
    const long = `203.0.113.7, ${'10.0.0.2, '.repeat(100_000)}10.0.0.2`;
    for (let again = 0; again < 100; again += 1) assert.equal(of('10.0.0.1', long), '10.0.0.2');
    for (let again = 0; again < 100; again += 1) of('10.0.0.1', ','.repeat(16_000));
    const { user } = process.cpuUsage(from);
    assert.ok(user < 2_000_000, `${user} µs of the processor`);
  });

  it('is read from Forwarded where the proxies write that, and from nothing else', () => {
    const forwarded = callerAddress({ ...proxies, header: 'forwarded' });
    for (const [value, address] of [
      ['for=203.0.113.7', '203.0.113.7'],
      ['For="[2001:db8:2::7]:4711";proto=https;by=10.0.0.1', '2001:db8:2::7'],
      ['for=1.1.1.1, for=203.0.113.7;proto=http, for=10.0.0.2', '203.0.113.7'],
      ['for="1.1.1.1, for=2.2.2.2", for=203.0.113.7', '203.0.113.7'],
      ['for=203.0.113.7, proto=https', '10.0.0.1'],
      ['for=unknown', '10.0.0.1'],
      ['for=203.0.113.7;for=1.1.1.1', '10.0.0.1'],
      ['"for=1.1.1.1', '10.0.0.1'],
      ['203.0.113.7', '10.0.0.1'],
    ] as const)
      assert.equal(forwarded.of('10.0.0.1', value), address, value);
  });
});

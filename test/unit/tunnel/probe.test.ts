import { describe, expect, test } from 'vitest';
import { deadPort, startTlsEndpoint } from '../../helpers/endpoint.ts';
import { type Meddling, NONCE, probedWay, request } from '../../helpers/probed-way.ts';

const DAY = 86_400_000;

describe('a way that leads here', () => {
  test('is proved by one signed POST, with nothing to remark', async () => {
    const way = await probedWay();
    expect(await way.run()).toEqual({ tookMs: 0, remarks: [] });
    const [seen] = way.endpoint.requests;
    expect(way.endpoint.requests).toHaveLength(1);
    expect([seen?.path, seen?.header('X-MO-Probe')]).toEqual(['/notify', NONCE]);
    expect(seen?.header('X-MO-Signature')).toMatch(/^sha256=[0-9a-f]{64}$/);
  });

  test('may add headers and write names in its own case', async () => {
    const way = await probedWay({
      headers: (headers) => [
        'Via',
        '1.1 proxy',
        ...headers.map((text, i) => (i % 2 ? text : text.toLowerCase())),
      ],
    });
    expect((await way.run()).remarks).toEqual([]);
  });

  test.each<[string, NonNullable<Meddling['hold']>, number, RegExp[]]>([
    ['deliveries', { request: 1500 }, 1500, [/^deliveries are held back for 1\.5 s on their way here/]],
    ['answers', { answer: 2500 }, 2500, [/^answers are held back for 2\.5 s on their way back/]],
    ['both', { request: 1100, answer: 1200 }, 2300, [/^deliveries .* 1\.1 s/, /^answers .* 1\.2 s/]],
    ['neither, where it is only slow', { request: 1000, answer: 1000 }, 2000, []],
  ])('is remarked upon where it holds back %s', async (_, hold, tookMs, remarks) => {
    const proof = await (await probedWay({ hold })).run();
    expect(proof).toEqual({ tookMs, remarks: remarks.map((remark) => expect.stringMatching(remark)) });
  });

  test.each([
    ['back', -DAY],
    ['forward', DAY],
  ])('G18 is neither slow nor fast where the clock is set %s by a day meanwhile', async (_, ms) => {
    const way = await probedWay({
      instead: () => {
        way.clock.set(ms);
        return null;
      },
    });
    expect(await way.run()).toEqual({ tookMs: 0, remarks: [] });
  });

  test('may only just be coming up: two answers of 404, then it leads here', async () => {
    const way = await probedWay({
      instead: (nth) => (nth <= 2 ? { status: 404, body: '<html>soon</html>' } : null),
    });
    const running = way.run();
    for (let i = 1; i <= 2; i++) {
      await way.clock.asked();
      expect([way.endpoint.requests.length, way.clock.waits()]).toEqual([i, [1000]]);
      await way.clock.advance(1000);
    }
    expect(await running).toEqual({ tookMs: 0, remarks: [] });
    expect(way.endpoint.requests).toHaveLength(3);
  });

  test.each([
    ['', 0],
    [', though the clock is set back by a day (G18)', -DAY],
  ])('is waited for twenty seconds, and no longer%s', async (_, set) => {
    const way = await probedWay({ instead: () => ({ status: 502 }) });
    const running = way.run().catch((error: Error) => error.message);
    for (let i = 1; i < 20; i++) {
      if (i === 5) way.clock.set(set);
      await way.clock.asked();
      await way.clock.advance(1000);
    }
    expect(await running).toMatch(/finds nothing behind it \(502\)/);
    expect([way.endpoint.requests.length, way.clock.elapsed()]).toEqual([20, 19_000]);
  });
});

describe('where a probe does not arrive', () => {
  test('a certificate that is not right is the last word, a port where nobody listens is waited for', async () => {
    const { url } = await startTlsEndpoint('self-signed');
    const way = await probedWay();
    await expect(way.probe.run(url, {})).rejects.toThrow(/self-signed|SELF_SIGNED/);
    const other = await probedWay();
    const nowhere = new URL(`http://127.0.0.1:${await deadPort()}/`);
    const running = other.probe.run(nowhere, {});
    running.catch(() => {});
    await other.clock.asked();
    other.clock.jump(20_000);
    await expect(running).rejects.toThrow(/connection refused/);
  });
});

describe('intercept', () => {
  test('answers this run’s own probe alone, and is over with it', async () => {
    const { probe, run } = await probedWay();
    expect([probe.intercept(request(null)), probe.intercept(request('another'))]).toEqual([null, null]);
    expect(probe.intercept(request())).toMatchObject({ status: 200, body: NONCE });
    await run().catch(() => {});
    expect(probe.intercept(request())).toBeNull();
  });
});

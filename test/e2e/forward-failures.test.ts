import { createServer } from 'node:http';
import { networkInterfaces } from 'node:os';
import { describe, expect, onTestFinished, test } from 'vitest';
import { run } from '../../src/cli/main.ts';
import { createForwarder } from '../../src/receiver/forward.ts';
import { openStore } from '../../src/store/open.ts';
import { delivery, SECRET } from '../helpers/delivery.ts';
import { answers, deadPort, startEndpoint, startTlsEndpoint } from '../helpers/endpoint.ts';
import { post } from '../helpers/raw-http.ts';
import { collect } from '../helpers/records.ts';
import { nth } from '../helpers/relay.ts';
import { sendTest } from '../helpers/send-test.ts';
import { type TestIo, testIo } from '../helpers/test-io.ts';

/** `listen` as people see it, in front of this app. */
async function listening(...args: string[]): Promise<{ io: TestIo; port: number }> {
  const io = testIo({ env: { MO_SECRET: SECRET }, columns: 300 });
  const ended = run(['listen', '--port', '0', '--no-dashboard', ...args], io);
  onTestFinished(async () => {
    io.interrupt();
    await ended;
  });
  const [, port] = await io.waitFor(/deliveries to http:\/\/127\.0\.0\.1:(\d+)/);
  return { io, port: Number(port) };
}

const noIpv6 = !Object.values(networkInterfaces())
  .flat()
  .some((address) => address?.address === '::1');
const reason = noIpv6 ? ' (skipped: no ::1 here)' : '';

interface LocalApp {
  port: number;
  paths: string[];
  close(): Promise<void>;
}

/** An app at one of this machine's own addresses alone. */
async function appAt(host: '::1' | '127.0.0.1', port: number): Promise<LocalApp> {
  const paths: string[] = [];
  const server = createServer((request, response) => {
    paths.push(request.url ?? '');
    response.end('ok');
  });
  await new Promise<void>((resolve) => server.listen(port, host, resolve));
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  onTestFinished(close);
  return { port, paths, close };
}

/** As some development servers are, at a port that 127.0.0.1 refuses. */
async function appOnIpv6(): Promise<LocalApp> {
  return appAt('::1', await deadPort());
}

describe(`an app that listens on ::1 alone${reason}`, () => {
  test.skipIf(noIpv6).each(['PORT', 'http://localhost:PORT/'])(
    '%s finds it, and says so once',
    async (target) => {
      const app = await appOnIpv6();
      const { io, port } = await listening(target.replace('PORT', String(app.port)));
      const statuses = await Promise.all([1, 2, 3].map((n) => post(port, nth(n), { path: `/?n=${n}` })));
      expect(statuses.map(({ status }) => status)).toEqual([200, 200, 200]);
      expect((await post(port, nth(4), { path: '/?n=4' })).status).toBe(200);
      expect(app.paths.sort()).toEqual(['/?n=1', '/?n=2', '/?n=3', '/?n=4']);
      const said = io.err().match(/Nothing listens at .*/g) ?? [];
      // Where localhost is both addresses, it is reached without a word.
      expect(said.length).toBeLessThanOrEqual(1);
      if (target === 'PORT')
        expect(said).toEqual([
          `Nothing listens at 127.0.0.1:${app.port}. Forwarding to [::1]:${app.port}, which answers.`,
        ]);
    },
  );

  test.skipIf(noIpv6)('an address that was written is meant, and the other one is named', async () => {
    const app = await appOnIpv6();
    const { io, port } = await listening(`http://127.0.0.1:${app.port}/hook?key=S3CR3T-query`);
    expect((await post(port, delivery())).status).toBe(502);
    await io.waitFor(/Nothing listens at .*/, 'err');
    expect(io.err()).toContain(
      `Nothing listens at 127.0.0.1:${app.port}, but [::1]:${app.port} answers: use http://[::1]:${app.port}/hook.`,
    );
    expect(app.paths).toEqual([]);
  });

  test.skipIf(noIpv6)('where it comes back at the other address, it is found there', async () => {
    const first = await appOnIpv6();
    const moves: string[] = [];
    const forwarder = createForwarder(new URL(`http://127.0.0.1:${first.port}/`), {
      eitherLoopback: true,
      onMoved: (from, to) => moves.push(`${from.hostname} to ${to.hostname}`),
    });
    onTestFinished(() => forwarder.close());
    const forward = async () => (await forwarder.forward({ ...delivery(), asked: '' })).status;
    expect(await forward()).toBe(200);
    await first.close();
    expect(await forward()).toBe(null);
    const second = await appAt('127.0.0.1', first.port);
    expect(await forward()).toBe(200);
    expect([first.paths, second.paths]).toEqual([['/'], ['/']]);
    expect(moves).toEqual(['127.0.0.1 to [::1]', '[::1] to 127.0.0.1']);
  });

  test.skipIf(noIpv6)('send-test names it', async () => {
    const app = await appOnIpv6();
    const { code, io } = await sendTest(String(app.port), ['--retries', '0']);
    expect([code, io.err()]).toEqual([
      1,
      expect.stringContaining(`[::1]:${app.port} answers: use http://[::1]:${app.port}/.`),
    ]);
  });
});

describe('an app with a certificate of its own', () => {
  test('is refused in words, with what to do', async () => {
    const app = await startTlsEndpoint('self-signed');
    const { io, port } = await listening(app.url.href);
    expect((await post(port, delivery())).status).toBe(502);
    await io.waitFor(/--insecure accepts any certificate/, 'err');
    expect(io.out()).toMatch(/\[---\] POST .* self-signed certificate .*NODE_EXTRA_CA_CERTS/);
    expect(app.requests).toEqual([]);
    const sent = await sendTest(app.url.href, ['--retries', '0']);
    expect(sent.io.err()).toContain('--insecure accepts any certificate');
  });

  test('--insecure accepts it', async () => {
    const app = await startTlsEndpoint('self-signed');
    const { port } = await listening('--insecure', app.url.href);
    expect((await post(port, delivery())).status).toBe(200);
    expect(app.requests).toHaveLength(1);
  });

  test('--insecure in front of an app without one is a mistake: exit 2', async () => {
    const io = testIo({ env: { MO_SECRET: SECRET } });
    expect(await run(['listen', '3000', '--insecure'], io)).toBe(2);
    expect(io.err()).toMatch(/--insecure is about certificates, and 'http:\/\/127\.0\.0\.1:3000' has none/);
  });
});

describe('the wrong protocol', () => {
  test('plain HTTP to a port that speaks TLS: which it does is found out, and said', async () => {
    const app = await startTlsEndpoint('self-signed');
    const url = `http://127.0.0.1:${app.port}/hook`;
    const says = `127.0.0.1:${app.port} speaks TLS, not plain HTTP: use https://127.0.0.1:${app.port}/hook.`;
    const { io, port } = await listening(url);
    expect((await post(port, delivery())).status).toBe(502);
    await io.waitFor(/speaks TLS.*/, 'err');
    expect(io.err()).toContain(says);
    expect((await sendTest(url, ['--retries', '0'])).io.err()).toContain(says);
    expect(app.requests).toEqual([]);
  });

  test('TLS to a port that speaks plain HTTP: in words, the original with -v', async () => {
    const app = await startEndpoint(answers(200));
    const url = `https://127.0.0.1:${app.port}/`;
    const plain = await sendTest(url, ['--retries', '0']);
    expect(plain.io.out()).toContain('the port speaks plain HTTP, not TLS: use http://…');
    expect(plain.io.out()).not.toMatch(/SSL routines/);
    const verbose = await sendTest(url, ['--retries', '0', '-v']);
    expect(verbose.io.out()).toMatch(/SSL routines/);
    const { io, port } = await listening('-v', url);
    await post(port, delivery());
    await io.waitFor(/use http:\/\/….*SSL routines/);
  });
});

describe('a redirect', () => {
  test("listen's line and the hint of send-test say where to, and no secret of its query", async () => {
    const location = 'https://login.example/in?token=S3CR3T-query\u0001';
    const app = await startEndpoint(answers([302, { Location: location.replace('\u0001', '%01') }]));
    const { io, port } = await listening(app.url.href);
    expect((await post(port, delivery())).status).toBe(302);
    await io.waitFor(/\[302\].*redirects to https:\/\/login\.example\/in.*, not followed/);
    const sent = await sendTest(app.url.href, ['--retries', '0']);
    expect(sent.io.err()).toMatch(
      /127\.0\.0\.1:\d+ redirects to https:\/\/login\.example\/in.*\. Deliveries follow no redirect: use that URL\./,
    );
    expect(io.out() + io.err() + sent.io.out() + sent.io.err()).not.toContain('S3CR3T-query');
  });
});

test('an answer that was cut is said to be so in its line', async () => {
  const app = await startEndpoint(answers([200, {}, Buffer.alloc(65_537, 'x')]));
  const { io, port } = await listening(app.url.href);
  await post(port, delivery());
  await io.waitFor(/\[200\] POST .*answer cut after 65,536 bytes/);
});

test('what an app repeats of the query that it was sent is masked in its line and in the store, not in the answer', async () => {
  const app = await startEndpoint(answers([404, {}, 'Cannot POST /notify?key=QU3RY-canary']));
  const { io, port } = await listening(app.url.href);
  expect((await post(port, delivery(), { path: '/?key=QU3RY-canary' })).body).toContain('QU3RY-canary');
  await io.waitFor(/Cannot POST \/notify\?key=\*\*\*/);
  expect(io.out() + io.err()).not.toContain('QU3RY-canary');
  const store = await openStore(`sqlite:${io.cwd}/.mo-notify/deliveries.db`);
  onTestFinished(() => store.close());
  const [entry] = await collect(store.entries('receipt', {}, { bodies: true }));
  expect(entry?.record).toMatchObject({ answer: 'Cannot POST /notify?key=***' });
});

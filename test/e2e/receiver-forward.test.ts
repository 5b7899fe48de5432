import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { signPayload } from '../../src/core/signature.ts';
import { createForwarder } from '../../src/receiver/forward.ts';
import { type Delivery, delivery, EVENT, SECRET } from '../helpers/delivery.ts';
import { answers, deadPort, startEndpoint, startRawEndpoint } from '../helpers/endpoint.ts';
import { exchange, parseAnswer, post } from '../helpers/raw-http.ts';
import { startReceiver } from '../helpers/receiver-server.ts';
import { jsonLines, type RunningListen, startListen } from '../helpers/test-io.ts';

const env = { MO_SECRET: SECRET };

/** Runs `listen` in front of an app for as long as `work` takes; resolves to the receipts it printed. */
async function forwarding(args: string[], work: (listen: RunningListen) => Promise<void>) {
  const listen = await startListen(args, { env });
  try {
    await work(listen);
  } finally {
    await listen.stop();
  }
  return jsonLines(listen.io).filter(({ type }) => type === 'receipt');
}

test.each([
  ['a plain event', EVENT],
  ['a byte order mark', `\ufeff${EVENT}\r\n`],
  ['invalid UTF-8', Buffer.from([0x7b, 0xff, 0xfe, 0, 0x0d, 0x0a, 0x7d])],
  ['nothing', ''],
  ['1 MiB', Buffer.alloc(1024 ** 2, 0xe9)],
])('the app gets the very bytes: %s', async (_, body) => {
  const app = await startEndpoint(answers(200));
  const sent = delivery({ body });
  await forwarding([app.url.href], async ({ port }) => {
    expect((await post(port, sent)).status).toBe(200);
  });
  expect(app.requests).toHaveLength(1);
  expect(app.requests[0]?.body.equals(sent.body)).toBe(true);
  expect(app.requests[0]?.header('X-MO-Signature')).toBe(signPayload(sent.body, SECRET));
});

test('compressed bytes go on compressed, with their Content-Encoding', async () => {
  const app = await startEndpoint(answers(200));
  const sent = delivery({ body: gzipSync(EVENT), headers: ['Content-Encoding', 'gzip'] });
  await forwarding([app.url.href], async ({ port }) => {
    expect((await post(port, sent)).status).toBe(200);
  });
  expect(app.requests[0]?.body.equals(sent.body)).toBe(true);
  expect(app.requests[0]?.header('content-encoding')).toBe('gzip');
});

test('the app gets the headers in their order and case, less those of the hop, plus its own Host', async () => {
  let seen = '';
  const app = await startRawEndpoint((socket) => {
    socket.once('data', (chunk: Buffer) => {
      seen = chunk.toString('latin1');
      socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok');
    });
  });
  const signature = signPayload(EVENT, SECRET);
  const kept = [
    'content-TYPE: application/json',
    'X-Mo-Event-ID: ev_1',
    'x-dup: 1',
    'X-DUP: 2',
    `X-MO-SIGNATURE: ${signature}`,
    'X-Latin: caf\u00e9',
    'x-dup: 3',
    'User-Agent: MyOperator/1',
    'Cookie: a=b',
  ];
  const dropped = [
    'Keep-Alive: 5',
    'TE: trailers',
    'Proxy-Authorization: Basic x',
    'Connection: close, X-Hop',
    'X-Hop: 1',
    'Accept-Encoding: br',
  ];
  const lines = [...kept.slice(0, 4), ...dropped, ...kept.slice(4)];
  await forwarding([app.url.href], async ({ port }) => {
    const text = `POST /in?x=1 HTTP/1.1\r\nHost: public.example\r\n${lines.join('\r\n')}\r\nContent-Length: ${EVENT.length}\r\n\r\n${EVENT}`;
    expect(parseAnswer(await exchange(port, Buffer.from(text, 'latin1'))).status).toBe(200);
  });
  const [head = '', body] = seen.split('\r\n\r\n');
  const [first, ...got] = head.split('\r\n');
  expect(first).toBe(`POST ${app.url.pathname}?x=1 HTTP/1.1`);
  expect(got.filter((line) => kept.includes(line))).toEqual(kept);
  expect(
    got
      .filter((line) => !kept.includes(line))
      .map((line) => line.toLowerCase())
      .sort(),
  ).toEqual(['connection: keep-alive', `content-length: ${EVENT.length}`, `host: ${app.url.host}`]);
  expect(body).toBe(EVENT);
});

test('a chunked delivery goes on with its length, and no Transfer-Encoding', async () => {
  const app = await startEndpoint(answers(200));
  await forwarding([app.url.href], async ({ port }) => {
    const head = `POST / HTTP/1.1\r\nHost: x\r\nX-MO-Signature: ${signPayload(EVENT, SECRET)}\r\nConnection: close\r\n`;
    const chunks = `${EVENT.length.toString(16)}\r\n${EVENT}\r\n0\r\n\r\n`;
    await exchange(port, `${head}Transfer-Encoding: chunked\r\n\r\n${chunks}`);
  });
  expect(app.requests[0]?.body.toString()).toBe(EVENT);
  expect(app.requests[0]?.header('transfer-encoding')).toBeUndefined();
  expect(app.requests[0]?.header('content-length')).toBe(String(EVENT.length));
});

test.each([200, 201, 204, 400, 404, 410, 429, 500, 503])(
  'the app answers %i: so does listen',
  async (status) => {
    const app = await startEndpoint(answers([status, {}, status === 204 ? '' : `app ${status}`]));
    const receipts = await forwarding([app.url.href], async ({ port }) => {
      expect(await post(port, delivery())).toMatchObject({
        status,
        body: status === 204 ? '' : `app ${status}`,
      });
    });
    expect(receipts).toMatchObject([{ status, forward: { status, error: null } }]);
  },
);

test.each([301, 302, 303, 307, 308])(
  'a redirect, %i, is passed back and its target sees no request',
  async (status) => {
    const target = await startEndpoint(answers(200));
    const app = await startEndpoint(answers([status, { Location: target.url.href }]));
    await forwarding([app.url.href], async ({ port }) => {
      const answer = await post(port, delivery());
      expect(answer.status).toBe(status);
      expect(answer.headers.location).toBeUndefined();
    });
    expect(app.requests).toHaveLength(1);
    expect(target.connections()).toBe(0);
  },
);

test('an app that is not there: 502 with Retry-After, and its retry is handed on once it is', async () => {
  const receipts = await forwarding([String(await deadPort())], async ({ port }) => {
    const answer = await post(port, delivery());
    expect(answer.status).toBe(502);
    expect(answer.headers['retry-after']).toBe('1');
  });
  const error = expect.stringContaining('connection refused');
  expect(receipts).toMatchObject([{ status: 502, forward: { status: null, error } }]);
});

test('an app that hangs up without an answer: 502', async () => {
  const app = await startRawEndpoint((socket) => socket.once('data', () => socket.destroy()));
  await forwarding([app.url.href], async ({ port }) => {
    expect((await post(port, delivery())).status).toBe(502);
  });
});

test('an app that takes too long: 504 with Retry-After', async () => {
  const app = await startEndpoint(() => {});
  const forwarder = createForwarder(app.url, { timeoutMs: 200 });
  const server = await startReceiver({}, { forwarder });
  const answer = await post(server.port, delivery());
  expect(answer.status).toBe(504);
  expect(answer.headers['retry-after']).toBe('1');
  expect((await server.stored())[0]).toMatchObject({ status: 504, forward: { status: null } });
  await forwarder.close();
});

test('a retry after the app failed is handed on again, a copy after it succeeded is not', async () => {
  const app = await startEndpoint(answers(500, 200));
  const receipts = await forwarding([app.url.href], async ({ port }) => {
    const attempt = (n: number) => post(port, delivery({ headers: ['X-MO-Delivery-Attempt', String(n)] }));
    expect((await attempt(1)).status).toBe(500);
    const retry = await attempt(2);
    expect([retry.status, retry.headers['x-mo-duplicate']]).toEqual([200, undefined]);
    const copy = await attempt(3);
    expect([copy.status, copy.body, copy.headers['x-mo-duplicate']]).toEqual([200, 'ok', 'true']);
  });
  expect(app.requests).toHaveLength(2);
  expect(receipts).toMatchObject([
    { attempt: 1, duplicate: null, status: 500, flags: expect.not.arrayContaining(['redelivery']) },
    { attempt: 2, duplicate: null, status: 200, flags: expect.arrayContaining(['redelivery']) },
    { attempt: 3, duplicate: 'duplicate', status: 200, forward: null },
  ]);
});

test('A13 50 deliveries of one event at once: the app gets one, every sender its answer', async () => {
  const app = await startEndpoint(answers(202));
  const receipts = await forwarding([app.url.href], async ({ port }) => {
    const all: Delivery[] = Array.from({ length: 50 }, () => delivery());
    const got = await Promise.all(all.map((one) => post(port, one)));
    expect(
      got.filter(({ status, headers }) => status === 200 && headers['x-mo-duplicate'] === 'true'),
    ).toHaveLength(49);
    expect(got.filter(({ status }) => status === 202)).toHaveLength(1);
  });
  expect(app.requests).toHaveLength(1);
  expect(receipts.filter(({ duplicate }) => duplicate === 'duplicate')).toHaveLength(49);
  expect(receipts.filter(({ duplicate }) => duplicate === null)).toHaveLength(1);
});

test('--ack first answers while the app still thinks', async () => {
  let release = () => {};
  const app = await startEndpoint((response) => {
    release = () => response.writeHead(500).end();
  });
  const receipts = await forwarding([app.url.href, '--ack', 'first'], async ({ port }) => {
    expect(await post(port, delivery())).toMatchObject({ status: 200, body: 'ok' });
    await app.arrived(1);
    release();
  });
  expect(receipts).toMatchObject([{ status: 200, forward: { status: 500 } }]);
});

test('--forward-to is the same as the argument, and --events filters what goes there', async () => {
  const app = await startEndpoint(answers(201));
  await forwarding(['--forward-to', app.url.href, '--events', 'missed,call.connected'], async ({ port }) => {
    expect((await post(port, delivery())).status).toBe(201);
    const other = delivery({ id: 'ev_2', body: EVENT.replace('call_connected', 'call_initiated') });
    expect((await post(port, other)).status).toBe(200);
  });
  expect(app.requests).toHaveLength(1);
});

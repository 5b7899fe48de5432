import { expect, test } from 'vitest';
import { answers, replies, startEndpoint, startRawEndpoint } from '../../helpers/endpoint.ts';
import { openTransport, REQUEST } from '../../helpers/open-transport.ts';

const ok = (head = '') => replies(`HTTP/1.1 200 OK\r\n${head}Content-Length: 2\r\n\r\nok`);

test('more requests than connections wait their turn, on the same connection', async () => {
  const endpoint = await startEndpoint(answers(200));
  const transport = openTransport(endpoint.url, { connections: 1 });
  const results = await Promise.all([1, 2, 3, 4].map(() => transport.send(REQUEST)));
  expect(results.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
  expect(endpoint.connections()).toBe(1);
});

test('up to the limit each request under way has a connection of its own', async () => {
  const endpoint = await startRawEndpoint((socket) => socket.resume());
  const transport = openTransport(endpoint.url, { connections: 3 });
  const sending = Array.from({ length: 5 }, () => transport.send(REQUEST));
  await endpoint.arrived(3);
  expect(endpoint.connections()).toBe(3);
  transport.abort();
  for (const { outcome } of await Promise.all(sending)) expect(outcome).toBe('aborted');
});

test('who waits for a connection that breaks gets another', async () => {
  const endpoint = await startRawEndpoint((socket, nth) =>
    nth === 1 ? socket.once('data', () => socket.resetAndDestroy()) : ok()(socket),
  );
  const transport = openTransport(endpoint.url, { connections: 1 });
  const [first, second] = await Promise.all([transport.send(REQUEST), transport.send(REQUEST)]);
  expect(first?.outcome).toBe('reset');
  expect(second?.outcome).toBe('delivered');
});

test.each([
  ['says it will close', 'Connection: close\r\n'],
  ['keeps connections for a second only', 'Keep-Alive: timeout=1\r\n'],
])('an endpoint that %s gets a new connection for the next request', async (_, head) => {
  const endpoint = await startRawEndpoint(ok(head));
  const transport = openTransport(endpoint.url);
  expect((await transport.send(REQUEST)).outcome).toBe('delivered');
  expect((await transport.send(REQUEST)).outcome).toBe('delivered');
  expect(endpoint.connections()).toBe(2);
});

test('a connection that the endpoint closes between requests is not used again', async () => {
  const endpoint = await startRawEndpoint((socket) => {
    ok()(socket);
    socket.once('data', () => setImmediate(() => socket.end()));
  });
  const transport = openTransport(endpoint.url);
  for (let i = 0; i < 3; i++) {
    expect((await transport.send(REQUEST)).outcome).toBe('delivered');
    await endpoint.idle();
  }
  expect(endpoint.connections()).toBe(3);
});

test('an answer that nobody asked for is not taken for the next request’s', async () => {
  const twice = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n';
  const endpoint = await startRawEndpoint((socket, nth) =>
    nth === 1 ? replies(twice)(socket) : ok()(socket),
  );
  const transport = openTransport(endpoint.url);
  expect((await transport.send(REQUEST)).status).toBe(200);
  expect((await transport.send(REQUEST)).status).toBe(200);
  expect(endpoint.connections()).toBe(2);
});

test('a body in chunks is read to its end, and the connection used again', async () => {
  const endpoint = await startEndpoint((response) => {
    response.write('ok');
    response.end('!');
  });
  const transport = openTransport(endpoint.url);
  for (let i = 0; i < 2; i++) expect((await transport.send(REQUEST)).responseBody.toString()).toBe('ok!');
  expect(endpoint.connections()).toBe(1);
});

test('a header value that would begin another line is never sent', async () => {
  const endpoint = await startEndpoint(answers(200));
  const sending = openTransport(endpoint.url).send({
    headers: ['X-A', 'b\r\nX-C: d'],
    body: Buffer.from('{}'),
  });
  await expect(sending).rejects.toThrow(TypeError);
  expect(endpoint.requests).toEqual([]);
});

import { expect, test } from 'vitest';
import { delivery, EVENT, eventBody } from '../helpers/delivery.ts';
import { answers, startEndpoint } from '../helpers/endpoint.ts';
import { eventually } from '../helpers/eventually.ts';
import { attached, type FakeRelay, startFakeRelay } from '../helpers/fake-relay.ts';
import { channelAt, receiptsOf, statesOf } from '../helpers/relay.ts';
import type { RunningListen } from '../helpers/test-io.ts';

const TOKEN = 'mot_token';
const at = (relay: FakeRelay) => channelAt(relay.port, { name: 'dev', id: 'abc', token: TOKEN });
const text = (value: unknown) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));

/** A listener of a hostile relay, in front of an app; `other` is what the relay would like to reach. */
async function hostile(greeting: string = attached()) {
  const relay = await startFakeRelay(greeting);
  const app = await startEndpoint(answers(200));
  const other = await startEndpoint(answers(200));
  const listen = await at(relay).listen([app.url.href]);
  return { relay, app, other, listen };
}

/** How a listener's link ended, which must not have taken the listener with it. */
async function lost(listen: RunningListen): Promise<string> {
  const [, reason] = await listen.io.waitFor(/"state":"lost","reason":"([^"]*)"/);
  expect(listen.io.err()).not.toMatch(/unexpected error|\n\s+at /);
  return reason as string;
}

test('F13 what a relay hands on reaches the configured URL and nothing else, whatever its headers say', async () => {
  const { relay, app, other } = await hostile();
  const { headers, body } = delivery({
    headers: [
      ...['Host', other.url.host],
      ...['X-Forwarded-Host', other.url.host, 'X-Original-URL', '/admin', 'X-Rewrite-URL', '/../admin'],
      ...['Forwarded', `host=${other.url.host};proto=https`, 'X-HTTP-Method', 'PUT'],
      ...['Location', other.url.href, 'X-HTTP-Method-Override', 'DELETE'],
    ],
  });
  const answer = await relay.deliver(headers, body);
  expect(answer.status).toBe(200);
  expect(app.requests.map(({ path, header }) => [path, header('Host')])).toEqual([['/notify', app.url.host]]);
  expect(app.requests[0]?.body.equals(body)).toBe(true);
  expect(other.connections()).toBe(0);
});

test('F13 headers of a hop that a relay passes on do not reach the app, nor do they upset the way there', async () => {
  const { relay, app } = await hostile();
  const hop = [
    ...['Transfer-Encoding', 'chunked', 'Content-Length', '5', 'Connection', 'close, X-Hop', 'X-Hop', '1'],
    ...['Upgrade', 'websocket', 'TE', 'trailers', 'Trailer', 'X-T', 'Proxy-Authorization', 'Basic eA=='],
    ...['Keep-Alive', '5', 'Expect', '100-continue'],
  ];
  const { headers, body } = delivery();
  expect((await relay.deliver([...hop, ...headers], body)).status).toBe(200);
  const [seen] = app.requests;
  expect(seen?.body.equals(body)).toBe(true);
  for (const name of [
    'Transfer-Encoding',
    'X-Hop',
    'Upgrade',
    'TE',
    'Trailer',
    'Proxy-Authorization',
    'Expect',
  ])
    expect([name, seen?.header(name)]).toEqual([name, undefined]);
  expect(seen?.header('Content-Length')).toBe(String(body.length));
});

const SMUGGLED = 'X: 1\r\nX-Other: 1\r\n\r\nPOST /admin HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n';

test.each([
  ['the value of a header', ['X-Odd', SMUGGLED]],
  ['the name of a header', [SMUGGLED, '1']],
  ['a header with no name', ['', '1']],
  ['a NUL in a value', ['X-Odd', 'a\0b']],
])('F13 %s smuggles nothing to the app, and does not end the listener', async (_, odd) => {
  const { relay, app, listen } = await hostile();
  const { headers, body } = delivery();
  // Refused or cleaned, or the link ends: what counts is what the app sees.
  await relay.deliver([...headers, ...odd], body).catch(() => lost(listen));
  const after = delivery({ id: 'ev_2', body: eventBody({ call_id: 'MO2' }) });
  await eventually(() => expect(statesOf(listen).at(-1)).toBe('live'));
  expect((await relay.deliver(after.headers, after.body)).status).toBe(200);
  expect(app.requests.filter(({ path }) => path !== '/notify')).toEqual([]);
  for (const { header } of app.requests) expect(header('X-Other')).toBeUndefined();
  expect(listen.io.err()).not.toMatch(/unexpected error/);
});

test.each([
  ['bytes that are no frame', Buffer.from('garbage, garbage'), /not this protocol/],
  ['a frame longer than its message', Buffer.from([1, 0, 0, 0, 1, 255, 255, 255, 255]), /longer than its/],
  ['a frame of no known kind', Buffer.from([9, 0, 0, 0, 1, 0, 0, 0, 0]), /a frame is of kind 9/],
  ['a delivery with half of its headers', frame([0, 4, 0, 9, 65]), /ends within its headers/],
  ['a delivery with a name alone', frame([0, 1, 0, 1, 65]), /a header has a name alone/],
  ['text that is not JSON', 'hello', /a control message is not JSON/],
  [
    'a control message of an unknown type',
    text({ type: 'exec', command: 'id' }).toString(),
    /not one that is known/,
  ],
  ['a control message of 20 MB', `{"type":"${'x'.repeat(20_000_000)}"}`, /not one that is known|too|1009/],
  ['a heartbeat of no sense', attached({ heartbeat_ms: 1 }), /not one that is known/],
])('F13 %s: the link ends with the reason, the listener lives', async (_, message, says) => {
  const { relay, listen } = await hostile();
  relay.socket().send(message);
  expect(await lost(listen)).toMatch(says);
  expect(await listen.stop()).toBe(130);
});

test.each([
  ['nothing known', '{"type":"welcome"}', /not one that is known/],
  ['no JSON', 'HTTP', /is not JSON/],
  ['a name of 1 MB', attached({ channel: 'x'.repeat(1_000_000) }), /not one that is known/],
])('F13 a relay whose first word is %s: exit 3, and what it said', async (_, greeting, says) => {
  const { code, io } = await at(await startFakeRelay(greeting)).refused();
  expect([code, io.out()]).toEqual([3, '']);
  expect(io.err()).toMatch(says);
  expect(io.err().length).toBeLessThan(1000);
});

test('F13 what a relay says of itself cannot write to the terminal as it likes', async () => {
  const relay = await startFakeRelay(attached());
  const listen = await at(relay).listen();
  relay.socket().close(4002, '\u001b[2J\u202egone');
  await listen.io.waitFor(/"state":"ended"/);
  expect(await listen.stop()).toBe(3);
  for (const odd of ['\u001b', '\u202e']) expect(listen.io.err()).not.toContain(odd);
  expect(listen.io.err()).toContain('gone');
});

test('F13 a relay cannot have anything taken for a probe, nor skip the signature', async () => {
  const { relay, app, listen } = await hostile();
  const session = relay.knocks[0]?.['x-mo-session'] as string;
  const forged = await relay.deliver(
    ['X-MO-Signature', `sha256=${'0'.repeat(64)}`, 'X-MO-Probe', session],
    text(EVENT),
  );
  expect(forged.status).toBe(400);
  expect(app.requests).toEqual([]);
  expect(await receiptsOf(listen, 1)).toMatchObject([{ signature: 'mismatch', status: 400 }]);
});

test('F13 the token goes into the upgrade request of the relay that was named, and nowhere else', async () => {
  const relay = await startFakeRelay();
  await at(relay).listen();
  expect(relay.knocks[0]?.authorization).toBe(`Bearer ${TOKEN}`);
  const target = await startEndpoint(answers(200));
  const redirecting = await startEndpoint(answers([302, { Location: target.url.href }]));
  const { code, io } = await channelAt(redirecting.port, { name: 'dev', id: 'abc', token: TOKEN }).refused();
  expect([code, io.err()]).toEqual([2, expect.stringMatching(/302, a redirect to /)]);
  expect(target.connections()).toBe(0);
});

/** A delivery frame with this content. */
function frame(content: number[]): Buffer {
  const rest = Buffer.from([0, 0, 0, 0, 0, 0, 0, ...content]);
  return Buffer.concat([Buffer.from([1, 0, 0, 0, 1, 0, 0, 0, rest.length]), rest]);
}

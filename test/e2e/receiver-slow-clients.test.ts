import { describe, expect, test } from 'vitest';
import { delivery, EVENT } from '../helpers/delivery.ts';
import { eventually } from '../helpers/eventually.ts';
import { openWire, post, request, type Wire } from '../helpers/raw-http.ts';
import { type ReceiverServer, startReceiver } from '../helpers/receiver-server.ts';

const LIMITS = { headersTimeoutMs: 300, requestTimeoutMs: 600, maxConnections: 256 };
const HEADS = 'POST / HTTP/1.1\r\nHost: x\r\nX-MO-Event-Id: ev_slow\r\n';

function openMany(server: ReceiverServer, count: number, bytes: string | Uint8Array): Promise<Wire[]> {
  return Promise.all(
    Array.from({ length: count }, async () => {
      const wire = await openWire(server.port);
      wire.write(bytes);
      return wire;
    }),
  );
}

/** Resolves when the server has room again for a client, however often one has to ask. */
async function expectRoom(server: ReceiverServer): Promise<void> {
  await eventually(async () => expect((await post(server.port, delivery())).status).toBe(200));
}

const SLOW: [how: string, bytes: string][] = [
  ['slow with its headers', HEADS],
  ['slow with its body', `${HEADS}Content-Length: 100\r\n\r\n{`],
];

test('C1 200 clients that are slow with headers or bodies: a good one is answered while they still are', async () => {
  const server = await startReceiver();
  const slow = (await Promise.all(SLOW.map(([, bytes]) => openMany(server, 100, bytes)))).flat();
  expect((await post(server.port, delivery())).status).toBe(200);
  for (const { socket, received } of slow) {
    expect([received(), socket.readableEnded]).toEqual(['', false]);
    socket.destroy();
  }
  expect(await server.stored()).toHaveLength(1);
});

test.each(SLOW)('C1 a client that is %s: 408 once its time is over', async (_, bytes) => {
  const server = await startReceiver({ limits: LIMITS });
  const slow = await openMany(server, 20, bytes);
  for (const text of await Promise.all(slow.map(({ ended }) => ended)))
    expect(text).toMatch(/^HTTP\/1\.1 408 /);
  for (const { socket } of slow) socket.destroy();
  expect(await server.stored()).toEqual([]);
});

test('C1 a body that drips in is cut off at the time for a whole request, however lively it looks', async () => {
  const server = await startReceiver({ limits: LIMITS });
  const wire = await openWire(server.port);
  wire.write(`${HEADS}Content-Length: ${EVENT.length}\r\n\r\n`);
  const drip = setInterval(() => wire.write(' '), 20);
  expect(await wire.ended).toMatch(/^HTTP\/1\.1 408 /);
  clearInterval(drip);
  wire.socket.destroy();
});

test.each([...SLOW, ['no HTTP at all', 'hello\r\n\r\n']])(
  'C1 a client that was %s and then keeps its end open holds no connection',
  async (_, bytes) => {
    const server = await startReceiver({ limits: { ...LIMITS, maxConnections: 2 } });
    const wires = await openMany(server, 2, bytes);
    await Promise.all(wires.map(({ ended }) => ended));
    await expectRoom(server);
    for (const { socket } of wires) socket.destroy();
  },
);

test('C1 a client that does not read its answer holds no connection', async () => {
  const answer = { status: 200, headers: [], body: Buffer.alloc(32 * 1024 ** 2) };
  let asked = 0;
  const server: ReceiverServer = await startReceiver({
    limits: { ...LIMITS, maxConnections: 1 },
    handle: (incoming) => (++asked === 1 ? Promise.resolve(answer) : server.receive(incoming)),
  });
  const wire = await openWire(server.port);
  wire.socket.pause();
  wire.socket.write(request(delivery()));
  await eventually(() => expect(asked).toBe(1));
  await expectRoom(server);
  wire.socket.destroy();
});

describe('G6 where connections are full', () => {
  test('the one that has idled longest gives way to a new one', async () => {
    const server = await startReceiver({ limits: { maxConnections: 3 } });
    const [first, second, third] = (await openMany(server, 3, HEADS)) as [Wire, Wire, Wire];
    expect((await post(server.port, delivery())).status).toBe(200);
    await first.ended;
    for (const { socket } of [second, third]) {
      expect(socket.readableEnded).toBe(false);
      socket.destroy();
    }
  });

  test('256 silent ones, half-said ones and idle ones do not keep a good one waiting', async () => {
    const server = await startReceiver();
    const silent = await openMany(server, 100, '');
    const slow = await openMany(server, 100, HEADS);
    const idle = await openMany(server, 56, request(delivery()));
    await Promise.all(idle.map((wire) => wire.waitFor(/ok$/)));
    expect((await post(server.port, delivery())).status).toBe(200);
    for (const { socket } of [...silent, ...slow, ...idle]) socket.destroy();
  });

  test('none whose request is being answered does: a new one is turned away, and let in when there is room', async () => {
    let answer: () => void = () => {};
    const held = new Promise<void>((resolve) => {
      answer = resolve;
    });
    let asked = 0;
    const server: ReceiverServer = await startReceiver({
      limits: { maxConnections: 1 },
      handle: async (incoming) => {
        if (++asked === 1) await held;
        return server.receive(incoming);
      },
    });
    const wire = await openWire(server.port);
    wire.write(request(delivery()));
    await eventually(() => expect(asked).toBe(1));
    await expect(post(server.port, delivery())).rejects.toThrow('No answer');
    answer();
    await wire.waitFor(/ok$/);
    expect((await post(server.port, delivery())).status).toBe(200);
    wire.socket.destroy();
  });
});

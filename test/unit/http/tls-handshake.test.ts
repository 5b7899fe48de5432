import { readdirSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { tlsFixture } from '../../helpers/endpoint.ts';
import { eventually } from '../../helpers/eventually.ts';
import { startReceiver } from '../../helpers/receiver-server.ts';

test.each([
  ['that says nothing', () => {}],
  ['that ends its side', (socket: Socket) => socket.end()],
  [
    'that stops in the middle of its hello',
    (socket: Socket) => socket.write(Buffer.from('160301020001', 'hex')),
  ],
] as const)('G2 a TLS handshake %s keeps no descriptor', async (_, begin) => {
  const tls = { cert: tlsFixture('valid'), key: tlsFixture('key') };
  const server = await startReceiver({ tls, limits: { headersTimeoutMs: 50 } });
  const before = descriptors();
  const sockets = Array.from({ length: 20 }, () => {
    const socket = connect({ port: server.port, allowHalfOpen: true }).on('error', () => {});
    socket.on('connect', () => begin(socket)).resume();
    return socket;
  });
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
  });
  await server.faulted(20);
  for (const socket of sockets) socket.destroy();
  // Both ends are in this process.
  await eventually(() => expect(descriptors()).toBeLessThanOrEqual(before));
});

function descriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

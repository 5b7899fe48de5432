import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { expect, onTestFinished, test, vi } from 'vitest';
import { tlsFixture } from '../helpers/endpoint.ts';
import { linesOf, runRelay } from '../helpers/relay.ts';
import { tempFolder } from '../helpers/spawn-cli.ts';

const MINUTE = 60_000;

async function connected(port: number) {
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
  onTestFinished(() => void socket.destroy());
  await once(socket, 'secureConnect');
  return socket;
}

test('a renewed certificate is that of new connections, without a restart, and old ones go on', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  onTestFinished(() => void vi.useRealTimers());
  const cwd = tempFolder();
  const [cert, key] = [join(cwd, 'c.pem'), join(cwd, 'k.pem')];
  writeFileSync(cert, tlsFixture('valid'));
  writeFileSync(key, tlsFixture('key'));
  const relay = await runRelay(['--tls-cert', cert, '--tls-key', key], { cwd });
  const before = await connected(relay.port);
  expect(before.getPeerCertificate().subject.CN).toBe('valid');

  writeFileSync(key, 'half of it');
  vi.advanceTimersByTime(MINUTE);
  expect(relay.io.err()).toContain(`the certificate was not renewed: --tls-key: ${key} is not a PEM file.`);
  expect((await connected(relay.port)).getPeerCertificate().subject.CN).toBe('valid');

  writeFileSync(cert, tlsFixture('other-host'));
  writeFileSync(key, tlsFixture('key'));
  vi.advanceTimersByTime(MINUTE);
  expect(linesOf(relay.io, 'certificate')).toEqual([
    { type: 'certificate', valid_until: '2120-01-01T00:00:00.000Z' },
  ]);
  expect((await connected(relay.port)).getPeerCertificate().subject.CN).toBe('other-host');
  before.write('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n');
  const [answer] = await once(before, 'data');
  expect(String(answer)).toMatch(/^HTTP\/1\.1 200/);
});

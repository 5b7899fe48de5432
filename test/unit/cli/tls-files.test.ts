import { generateKeyPairSync } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { certificateEnd, followTls, readTls, type TlsFiles } from '../../../src/cli/tls-files.ts';
import type { TlsPair } from '../../../src/http/serve-options.ts';
import { tlsFixture } from '../../helpers/endpoint.ts';
import { tempFolder } from '../../helpers/spawn-cli.ts';
import { tunnelClock } from '../../helpers/tunnel-clock.ts';

const MINUTE = 60_000;
const otherKey = () =>
  generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' });

/** A pair in files, followed; what is written is found by the next minute. */
function followed() {
  const folder = tempFolder();
  const [tlsCert, tlsKey] = [join(folder, 'fullchain.pem'), join(folder, 'privkey.pem')];
  writeFileSync(tlsCert, tlsFixture('valid'));
  writeFileSync(tlsKey, tlsFixture('key'));
  const clock = tunnelClock();
  const renewed: TlsPair[] = [];
  const refused: string[] = [];
  const stop = followTls(readTls({ tlsCert, tlsKey }) as TlsFiles, clock, {
    onRenewed: (pair) => renewed.push(pair),
    onRefused: (reason) => refused.push(reason),
  });
  return { tlsCert, tlsKey, clock, renewed, refused, stop };
}

test('a renewed certificate is handed on once, within a minute, and no other', async () => {
  const { tlsCert, clock, renewed, refused, stop } = followed();
  await clock.advance(2 * MINUTE);
  expect(renewed).toEqual([]);
  writeFileSync(tlsCert, tlsFixture('other-host'));
  await clock.advance(MINUTE);
  const pair = { cert: tlsFixture('other-host'), key: tlsFixture('key') };
  expect(renewed).toEqual([pair]);
  expect(new Date(certificateEnd(pair)).toISOString()).toBe('2120-01-01T00:00:00.000Z');
  await clock.advance(5 * MINUTE);
  stop();
  writeFileSync(tlsCert, tlsFixture('valid'));
  await clock.advance(MINUTE);
  expect([renewed.length, refused]).toEqual([1, []]);
});

test('a key that does not go with it is told of once, without a word of the key, and a right one taken afterwards', async () => {
  const { tlsCert, tlsKey, clock, renewed, refused } = followed();
  const wrong = otherKey() as string;
  writeFileSync(tlsKey, wrong);
  await clock.advance(3 * MINUTE);
  expect(refused).toEqual([expect.stringContaining(`--tls-key ${tlsKey} do not work together: `)]);
  expect(refused[0]).not.toContain(wrong.split('\n')[1]);
  rmSync(tlsCert);
  await clock.advance(3 * MINUTE);
  expect(refused.slice(1)).toEqual([`--tls-cert: ${tlsCert} cannot be read (ENOENT).`]);
  writeFileSync(tlsCert, tlsFixture('self-signed'));
  writeFileSync(tlsKey, tlsFixture('key'));
  await clock.advance(MINUTE);
  expect(renewed.map(({ cert }) => cert)).toEqual([tlsFixture('self-signed')]);
});

test('files that do not go together, or hold no certificate, are refused', () => {
  const folder = tempFolder();
  const [tlsCert, tlsKey] = [join(folder, 'c.pem'), join(folder, 'k.pem')];
  writeFileSync(tlsCert, tlsFixture('valid'));
  writeFileSync(tlsKey, otherKey());
  expect(() => readTls({ tlsCert, tlsKey })).toThrow(
    /do not work together: .*Give a certificate and the key/,
  );
  writeFileSync(tlsCert, '-----BEGIN CERTIFICATE-----\nno\n-----END CERTIFICATE-----\n');
  expect(() => readTls({ tlsCert, tlsKey })).toThrow(/do not work together/);
});

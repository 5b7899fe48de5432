import { expect, test } from 'vitest';
import { Heartbeat } from '../../../src/tunnel/heartbeat.ts';
import { tunnelClock } from '../../helpers/tunnel-clock.ts';

const PERIOD = 10_000;

/** A heart that beats as a link's does, over a connection on which the other side is heard as `bytes` says. */
function beating() {
  const clock = tunnelClock();
  const heart = new Heartbeat(PERIOD, clock.uptime());
  const connection = { bytes: 100 };
  const pulses: string[] = [];
  clock.every(PERIOD, () =>
    pulses.push(`${clock.elapsed()} ${heart.beat(clock.uptime(), connection.bytes)}`),
  );
  return { clock, connection, pulses };
}

test('a link lives as long as a single byte comes in each period', async () => {
  const { clock, connection, pulses } = beating();
  for (let i = 0; i < 3; i++) {
    connection.bytes += 1;
    await clock.advance(PERIOD);
  }
  expect(pulses).toEqual(['10000 alive', '20000 alive', '30000 alive']);
});

test('silence is noticed at the second beat after the last byte, within two periods', async () => {
  const { clock, connection, pulses } = beating();
  await clock.advance(1.5 * PERIOD);
  connection.bytes += 7;
  await clock.advance(1.5 * PERIOD);
  expect(pulses).toEqual(['10000 alive', '20000 alive', '30000 silent']);
  const silentFor = 30_000 - 15_000;
  expect(silentFor).toBeLessThanOrEqual(2 * PERIOD);
});

test('what counts is what has come since the last beat, however much came before', async () => {
  const { clock, connection, pulses } = beating();
  connection.bytes += 1_000_000;
  await clock.advance(2 * PERIOD);
  connection.bytes += 1;
  await clock.advance(PERIOD);
  expect(pulses).toEqual(['10000 alive', '20000 silent', '30000 alive']);
});

test('F11 a machine that slept for ten minutes knows it by its first beat, though bytes came in', async () => {
  const { clock, connection, pulses } = beating();
  await clock.advance(PERIOD);
  connection.bytes += 1;
  clock.jump(600_000);
  expect(pulses).toEqual(['10000 alive', '610000 slept']);
});

test('a beat that is late by a busy moment is no sleep, one later than two periods is', () => {
  const heart = new Heartbeat(PERIOD, 0);
  expect(heart.beat(2 * PERIOD, 1)).toBe('alive');
  expect(heart.beat(4 * PERIOD + 1, 2)).toBe('slept');
  expect(heart.beat(5 * PERIOD, 2)).toBe('silent');
});

test('a clock that was set back is neither silence nor sleep', () => {
  const heart = new Heartbeat(PERIOD, 1_000_000);
  expect(heart.beat(1_000, 1)).toBe('alive');
  expect(heart.beat(11_000, 2)).toBe('alive');
});

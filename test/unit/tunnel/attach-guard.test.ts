import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { Channel } from '../../../src/core/relay-store.ts';
import { tokenHash } from '../../../src/core/token.ts';
import { AttachGuard, bearerToken } from '../../../src/tunnel/attach-guard.ts';

const TOKEN = 'mot_right';
const HERE = '203.0.113.7';
const channel: Channel = {
  ...{ id: 'c', name: 'dev', ack: 'app', createdAt: 0, expiresAt: null },
  tokenHash: tokenHash(TOKEN),
};

/** A guard who has seen so many wrong tokens from here, each shown as soon as it might be, and what time it is then. */
function guardAfter(failures: number) {
  const guard = new AttachGuard();
  let now = 1_000_000;
  for (let i = 0; i < failures; i++) {
    const verdict = guard.check(channel, 'wrong', HERE, now);
    if (typeof verdict === 'number' && verdict > 0) {
      now += verdict;
      guard.check(channel, 'wrong', HERE, now);
    }
  }
  return { guard, now };
}

describe('F12 a token', () => {
  test.each<[string, Channel | null, string | null, true | number]>([
    ['the right one lets in', channel, TOKEN, true],
    ['a wrong one does not', channel, 'mot_wrong', 0],
    ['its beginning does not', channel, TOKEN.slice(0, -1), 0],
    ['an empty one does not', channel, '', 0],
    ['none does not', channel, null, 0],
    ['any one for a channel that is not there does not', null, TOKEN, 0],
    ['none for a channel that is not there does not', null, null, 0],
  ])('%s', (_, of, token, verdict) => {
    expect(new AttachGuard().check(of, token, HERE, 0)).toBe(verdict);
  });

  test('none does not fit a channel that is said to have the hash of nothing', () => {
    const empty = { ...channel, tokenHash: tokenHash('') };
    expect(new AttachGuard().check(empty, null, HERE, 0)).toBe(0);
  });

  test('for no channel, not even the one whose hash stands in for it', () => {
    const zeros = { ...channel, tokenHash: new Uint8Array(32) };
    expect(new AttachGuard().check(zeros, TOKEN, HERE, 0)).toBe(0);
  });

  test('is kept as its SHA-256', () => {
    expect(tokenHash('abc')).toEqual(createHash('sha256').update('abc').digest());
  });
});

describe('F12 an address that guesses', () => {
  test('may err four times; from the fifth on it waits, twice as long each time, up to five minutes', () => {
    const guard = new AttachGuard();
    let now = 0;
    for (let i = 0; i < 5; i++) expect(guard.check(channel, `wrong ${i}`, HERE, now)).toBe(0);
    const pauses: number[] = [];
    for (let i = 0; i < 11; i++) {
      const pause = guard.check(channel, 'wrong', HERE, now) as number;
      pauses.push(pause / 1000);
      now += pause;
      expect(guard.check(channel, 'wrong', HERE, now)).toBe(0);
    }
    expect(pauses).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
  });

  test('does not wait longer for what it shows while it waits', () => {
    const { guard, now } = guardAfter(5);
    expect([0, 400, 999].map((ms) => guard.check(channel, 'wrong', HERE, now + ms))).toEqual([1000, 600, 1]);
    expect(guard.check(channel, 'wrong', HERE, now + 1000)).toBe(0);
    expect(guard.check(channel, 'wrong', HERE, now + 1000)).toBe(2000);
  });

  test('G15 is let in with the right one, however many wrong ones came from there', () => {
    for (const failures of [5, 6, 20]) {
      const { guard, now } = guardAfter(failures);
      expect(guard.check(channel, 'wrong', HERE, now)).toBeGreaterThan(0);
      expect(guard.check(channel, TOKEN, HERE, now)).toBe(true);
    }
  });

  test('is held up for a channel that is not there just as for one that is', () => {
    const guard = new AttachGuard();
    for (let i = 0; i < 5; i++) expect(guard.check(null, 'any', HERE, 0)).toBe(0);
    expect(guard.check(null, 'any', HERE, 0)).toBe(1000);
    expect(guard.check(channel, 'any', HERE, 0)).toBe(1000);
    expect(guard.check(null, TOKEN, HERE, 0)).toBe(1000);
  });

  test('is forgiven once it shows the right one', () => {
    const { guard, now } = guardAfter(4);
    expect(guard.check(channel, TOKEN, HERE, now)).toBe(true);
    for (let i = 0; i < 5; i++) expect(guard.check(channel, 'wrong', HERE, now)).toBe(0);
    expect(guard.check(channel, 'wrong', HERE, now)).toBe(1000);
  });

  test('is forgotten when it has shown nothing wrong for more than ten minutes, and not before', () => {
    const before = guardAfter(7);
    expect(before.guard.check(channel, 'wrong', HERE, before.now + 600_000)).toBe(0);
    expect(before.guard.check(channel, 'wrong', HERE, before.now + 600_000)).toBe(8000);
    const after = guardAfter(7);
    const later = after.now + 600_001;
    for (let i = 0; i < 5; i++) expect(after.guard.check(channel, 'wrong', HERE, later)).toBe(0);
    expect(after.guard.check(channel, 'wrong', HERE, later)).toBe(1000);
  });

  test('holds up nobody at another address', () => {
    const { guard, now } = guardAfter(9);
    expect(guard.check(channel, 'wrong', HERE, now)).toBeGreaterThan(0);
    expect(guard.check(channel, 'wrong', '203.0.113.8', now)).toBe(0);
    expect(guard.check(channel, TOKEN, '203.0.113.9', now)).toBe(true);
  });

  test('is remembered among the latest 10,000, so that many of them cannot fill the memory', () => {
    const { guard, now } = guardAfter(8);
    const fill = (from: number, to: number) => {
      for (let i = from; i < to; i++) guard.check(channel, 'wrong', `address ${i}`, now);
    };
    fill(0, 9_999);
    expect(guard.check(channel, 'wrong', HERE, now)).toBe(8000);
    fill(9_999, 10_000);
    expect(guard.check(channel, 'wrong', HERE, now)).toBe(0);
    // The latest are those that erred last, not those that erred first.
    const other = guardAfter(4);
    for (let i = 0; i < 9_999; i++) other.guard.check(channel, 'wrong', `address ${i}`, other.now);
    other.guard.check(channel, 'wrong', HERE, other.now);
    other.guard.check(channel, 'wrong', 'one more', other.now);
    expect(other.guard.check(channel, 'wrong', HERE, other.now)).toBe(1000);
  });
});

describe('bearerToken', () => {
  test.each<[string | undefined, string | null]>([
    ['Bearer mot_x-Y_9', 'mot_x-Y_9'],
    ['bearer mot_x', 'mot_x'],
    [`Bearer ${'a'.repeat(512)}`, 'a'.repeat(512)],
    [`Bearer ${'a'.repeat(513)}`, null],
    ['Bearer ', null],
    ['Bearer a b', null],
    ['Bearer a, Bearer b', null],
    ['Bearer ä', null],
    ['Basic bW86eA==', null],
    ['mot_x', null],
    ['', null],
    [undefined, null],
  ])('%j', (authorization, token) => {
    expect(bearerToken(authorization)).toBe(token);
  });
});

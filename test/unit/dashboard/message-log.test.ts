import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encode, type Message, MessageLog } from '../../../src/dashboard/message-log.ts';
import { anyText } from '../../helpers/any-record.ts';
import { parseEvents } from '../../helpers/event-stream.ts';

const START = Date.parse('2026-01-31T12:00:00Z');
const MIB = 1024 ** 2;

/** All that follows on a message, as a page asks for it. */
function following(log: MessageLog, id: number): unknown[] | 'lost' {
  const found: unknown[] = [];
  for (let at = id; ; ) {
    const next = log.after(at);
    if (next === null) return found;
    if (next === 'lost') return 'lost';
    found.push(parseEvents(next.bytes.toString())[0]?.data);
    at = next.id;
  }
}

test('a message has an id, a name and one line of JSON', () => {
  expect(encode('changes', { a: 'b' }, 12).toString()).toBe('id: 12\nevent: changes\ndata: {"a":"b"}\n\n');
  expect(encode('heartbeat', {}).toString()).toBe('event: heartbeat\ndata: {}\n\n');
});

describe('F8', () => {
  const HOSTILE = [
    'a\nb',
    'a\r\ndata: b',
    '\n\n',
    '\r',
    'data: x',
    'id: 7\n',
    '\nid: 7\n\n',
    '\u2028\u2029\u0085',
    '\0',
  ];

  test.each(HOSTILE)('%j stays on the data line', (text) => {
    const data = { [text]: text };
    expect(parseEvents(encode('changes', data, 5).toString())).toEqual([{ id: '5', event: 'changes', data }]);
  });

  test('so does any other text', () => {
    fc.assert(
      fc.property(anyText, anyText, (one, other) => {
        const data = { event: one, list: [other], [one]: null };
        const sent = encode('changes', data, 5).toString();
        expect(sent.split(/[\r\n]/)).toHaveLength(5);
        expect(parseEvents(sent)).toEqual([{ id: '5', event: 'changes', data }]);
      }),
    );
  });

  test('ids are digits, and rise', () => {
    const log = new MessageLog(START + 0.7);
    const ids = Array.from({ length: 20 }, () => {
      log.add('changes', {});
      return log.last;
    });
    for (const id of ids) expect(String(id)).toMatch(/^\d{1,16}$/);
    expect(new Set(ids).size).toBe(20);
    expect([...ids].sort((a, b) => a - b)).toEqual(ids);
    const { bytes } = log.after(ids[4] as number) as Message;
    expect(parseEvents(bytes.toString())[0]?.id).toBe(String(ids[5]));
  });
});

describe('F7', () => {
  test('what came after a message is exactly what is given', () => {
    const log = new MessageLog(START);
    const begin = log.last;
    for (const n of [1, 2, 3, 4]) log.add('changes', { n });
    expect(following(log, begin)).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }, { n: 4 }]);
    expect(following(log, begin + 3)).toEqual([{ n: 4 }]);
    expect(following(log, begin + 4)).toEqual([]);
    expect(log.after(log.last)).toBeNull();
  });

  test('what is no id of this run is lost', () => {
    const log = new MessageLog(START);
    log.add('changes', {});
    for (const id of [
      -1,
      0,
      1,
      log.last + 1,
      log.last - 2,
      log.last + 0.5,
      1e15,
      Number.MAX_SAFE_INTEGER,
      Number.NaN,
    ])
      expect(log.after(id), String(id)).toBe('lost');
  });

  test('a later run begins above whatever an earlier one has told', () => {
    const earlier = new MessageLog(START);
    for (let i = 0; i < 900; i++) earlier.add('changes', { i });
    const later = new MessageLog(START + 1);
    expect(later.last).toBeGreaterThan(earlier.last);
    expect(later.after(earlier.last)).toBe('lost');
    later.add('changes', { later: true });
    expect(later.after(earlier.last)).toBe('lost');
    expect(earlier.after(later.last)).toBe('lost');
  });

  test('what is too old is lost; the thousand latest are kept', () => {
    const log = new MessageLog(START);
    const begin = log.last;
    for (let n = 1; n <= 1500; n++) log.add('changes', { n });
    expect(log.after(begin)).toBe('lost');
    expect(log.after(begin + 499)).toBe('lost');
    expect(following(log, begin + 500)).toHaveLength(1000);
    expect(log.after(begin + 500)).toMatchObject({ id: begin + 501 });
  });

  test('what is forgotten is lost, and nothing that comes later follows on it', () => {
    const log = new MessageLog(START);
    log.add('changes', { n: 1 });
    const known = log.last;
    log.forget();
    expect(log.after(known)).toBe('lost');
    expect(log.after(known - 1)).toBe('lost');
    expect(log.after(log.last)).toBeNull();
    log.add('changes', { n: 2 });
    expect(log.after(known)).toBe('lost');
    expect(following(log, log.last - 1)).toEqual([{ n: 2 }]);
  });
});

describe('its memory is bounded', () => {
  /** So many bytes are still there to be given. */
  function kept(log: MessageLog, ids: readonly number[]): number {
    return ids
      .map((id) => log.after(id - 1))
      .reduce((sum, message) => sum + (typeof message === 'object' ? (message?.bytes.length ?? 0) : 0), 0);
  }

  test('however large messages are', () => {
    const log = new MessageLog(START);
    const ids = Array.from({ length: 50 }, () => {
      log.add('changes', 'x'.repeat(300_000));
      return log.last;
    });
    expect(kept(log, ids)).toBeLessThanOrEqual(2 * MIB);
    expect(kept(log, ids)).toBeGreaterThan(MIB);
    expect(log.after(log.last - 1)).toMatchObject({ id: log.last });
  });

  test('one that is larger than all of it is not kept, and nothing is told out of order', () => {
    const log = new MessageLog(START);
    log.add('changes', { n: 1 });
    const before = log.last;
    log.add('changes', 'x'.repeat(3 * MIB));
    expect(log.after(before)).toBe('lost');
    expect(log.after(log.last)).toBeNull();
    log.add('changes', { n: 3 });
    expect(log.after(before)).toBe('lost');
    expect(following(log, log.last - 1)).toEqual([{ n: 3 }]);
  });
});

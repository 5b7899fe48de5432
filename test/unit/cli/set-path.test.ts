import { afterEach, describe, expect, test } from 'vitest';
import { changeEvent } from '../../../src/cli/set-path.ts';
import { UsageError } from '../../../src/core/errors.ts';
import { type CallEvent, sampleEvent } from '../../../src/core/event.ts';

const EVENT = sampleEvent('call_connected', 'MO1', 0);
const changed = (...assignments: string[]): CallEvent => changeEvent(assignments)(EVENT);

afterEach(() => {
  expect(({} as Record<string, unknown>).isAdmin).toBeUndefined();
  expect(Object.keys(Object.prototype)).toEqual([]);
});

describe('a value', () => {
  test.each([
    ['direction=outbound', { direction: 'outbound' }],
    ['duration_seconds=42', { duration_seconds: 42 }],
    ['duration_seconds=-1.5', { duration_seconds: -1.5 }],
    ['duration_seconds="42"', { duration_seconds: '42' }],
    ['caller_number=+911234567890', { caller_number: '+911234567890' }],
    ['caller_number=911234567890', { caller_number: '911234567890' }],
    ['caller_number=09112345', { caller_number: '09112345' }],
    ['call_id=123', { call_id: '123' }],
    ['caller_number=null', { caller_number: null }],
    ['direction=', { direction: '' }],
    ['direction=a=b=c', { direction: 'a=b=c' }],
    ['direction= spaced ', { direction: ' spaced ' }],
    ['extra=true', { extra: true }],
    ['extra=7', { extra: 7 }],
    ['extra=[1,{"a":2}]', { extra: [1, { a: 2 }] }],
    ['metadata={"queue":"VIP"}', { metadata: { queue: 'VIP' } }],
    ['extra={broken', { extra: '{broken' }],
  ])('%s', (assignment, expected) => {
    expect(changed(assignment)).toEqual({ ...EVENT, ...expected });
  });
});

describe('a path', () => {
  test('reaches into metadata and leaves the rest of it', () => {
    expect(changed('metadata.queue=Support').metadata).toEqual({ ...EVENT.metadata, queue: 'Support' });
  });

  test('makes what is not there', () => {
    expect(changed('a.b.c=1').a).toEqual({ b: { c: 1 } });
  });

  test('replaces a text on its way by an object', () => {
    expect(changed('call_id.x=1').call_id).toEqual({ x: 1 });
  });

  test('keeps the order of the keys, new ones last', () => {
    expect(Object.keys(changed('new=1', 'event=x'))).toEqual([...Object.keys(EVENT), 'new']);
  });
});

test('assignments are made in turn', () => {
  expect(changed('metadata.queue=a', 'metadata.queue=b', 'metadata.x=c').metadata).toMatchObject({
    queue: 'b',
    x: 'c',
  });
});

test('none changes nothing, and the event that came in is never changed', () => {
  const before = structuredClone(EVENT);
  expect(changed()).toBe(EVENT);
  changed('metadata.queue=x', 'event=y');
  expect(EVENT).toEqual(before);
});

test.each(['', 'direction', '=x', '.a=x', 'a.=x', 'a..b=x'])(
  '%j is refused with an example',
  (assignment) => {
    expect(() => changeEvent([assignment])).toThrow(UsageError);
    expect(() => changeEvent([assignment])).toThrow(
      `--set: '${assignment}' is not an assignment. Write it like`,
    );
  },
);

test.each([
  ['a value', `metadata.x=${'['.repeat(100_000)}${']'.repeat(100_000)}`],
  ['a path', `metadata${'.x'.repeat(100_000)}=1`],
])('G13 %s nested 100,000 deep is refused in words', (_, assignment) => {
  expect(() => changeEvent([assignment])).toThrow("--set: the value of 'metadata' is nested too deep.");
});

describe('B5 prototypes stay clean', () => {
  test.each(['__proto__.isAdmin=true', 'metadata.__proto__.isAdmin=true', '__proto__={"isAdmin":true}'])(
    '%s is refused',
    (assignment) => {
      expect(() => changeEvent([assignment])).toThrow(/names __proto__/);
    },
  );

  test('constructor.prototype and a __proto__ inside a value are data', () => {
    const event = changed('constructor.prototype.isAdmin=true', 'x={"__proto__":{"isAdmin":true}}', 'x.y=1');
    expect(JSON.stringify(event.constructor)).toBe('{"prototype":{"isAdmin":true}}');
    expect(JSON.stringify(event.x)).toBe('{"__proto__":{"isAdmin":true},"y":1}');
    expect((event.x as Record<string, unknown>).isAdmin).toBeUndefined();
  });
});

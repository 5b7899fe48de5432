import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { UsageError } from '../../../src/core/errors.ts';
import {
  type CallEvent,
  EVENT_TYPES,
  escapeJson,
  eventType,
  isEventType,
  sampleEvent,
  serializeEvent,
} from '../../../src/core/event.ts';
import { parsePayload } from '../../../src/core/payload.ts';

const AT = Date.parse('2025-07-21T12:45:00Z');

describe('eventType', () => {
  test.each([
    ['connected', 'call_connected'],
    ['call.connected', 'call_connected'],
    ['call-connected', 'call_connected'],
    ['call_connected', 'call_connected'],
    [' CALL_MISSED ', 'call_missed'],
    ['initiated', 'call_initiated'],
    ['transferred', 'call_transferred'],
    ['disconnected', 'call_disconnected'],
  ])('%s means %s', (typed, type) => {
    expect(eventType(typed)).toBe(type);
  });

  test.each(['conected', 'call_conected', 'calls_connected'])('%s is refused, with a hint', (typed) => {
    expect(() => eventType(typed)).toThrow(UsageError);
    expect(() => eventType(typed)).toThrow(`'${typed}' is not an event type. Did you mean 'call_connected'?`);
  });

  test.each(['', 'zzzzzzzz', '__proto__', 'constructor'])(
    '%j is refused, with all that is known',
    (typed) => {
      expect(() => eventType(typed)).toThrow(/is not an event type\. .*call_initiated.*call_missed/);
    },
  );
});

test('isEventType knows the five types and nothing else', () => {
  expect(EVENT_TYPES.every(isEventType)).toBe(true);
  for (const other of ['connected', '', null, undefined, 1, ['call_connected'], 'toString'])
    expect(isEventType(other)).toBe(false);
});

describe('sampleEvent', () => {
  test.each(EVENT_TYPES)('%s has the documented keys in wire order and nothing odd', (type) => {
    const event = sampleEvent(type, 'MO1', AT);
    expect(Object.keys(event)).toEqual([
      'event',
      'call_id',
      'caller_number',
      'receiver_number',
      'direction',
      'timestamp',
      'duration_seconds',
      'metadata',
    ]);
    expect(parsePayload(serializeEvent(event))).toMatchObject({
      problem: null,
      event: type,
      callId: 'MO1',
      timestampMs: AT,
      flags: [],
    });
  });

  test('only an ended call has a duration and a recording', () => {
    expect(sampleEvent('call_disconnected', 'MO1', AT)).toMatchObject({
      duration_seconds: 42,
      metadata: { recording_url: expect.stringMatching(/^https:/) },
    });
    expect(sampleEvent('call_connected', 'MO1', AT)).toMatchObject({
      duration_seconds: 0,
      metadata: { recording_url: null },
    });
  });
});

describe('serializeEvent', () => {
  const event: CallEvent = {
    event: 'call_connected',
    call_id: 'MO/é😀',
    timestamp: '2025-07-21T12:45:00Z',
  };

  test.each([
    ['compact', '{"event":"call_connected","call_id":"MO/é😀","timestamp":"2025-07-21T12:45:00Z"}'],
    [
      'pretty',
      '{\n  "event": "call_connected",\n  "call_id": "MO/é😀",\n  "timestamp": "2025-07-21T12:45:00Z"\n}',
    ],
    [
      'escaped',
      '{"event":"call_connected","call_id":"MO\\/\\u00e9\\ud83d\\ude00","timestamp":"2025-07-21T12:45:00Z"}',
    ],
  ] as const)('%s', (format, json) => {
    expect(serializeEvent(event, format).toString('utf8')).toBe(json);
  });

  test('is compact unless told otherwise', () => {
    expect(serializeEvent(event)).toEqual(serializeEvent(event, 'compact'));
  });
});

test('property: escapeJson is ASCII and means the same', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.string({ unit: 'grapheme' }), (value, text) => {
      const json = JSON.stringify([value, text]);
      const escaped = escapeJson(json);
      expect(escaped).toMatch(/^[\0-\x7f]*$/);
      expect(JSON.stringify(JSON.parse(escaped))).toBe(json);
    }),
  );
});

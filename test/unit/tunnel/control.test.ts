import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Control, readControl } from '../../../src/tunnel/control.ts';
import { BadFrameError } from '../../../src/tunnel/frames.ts';

const attached: Control = {
  type: 'attached',
  channel: 'dev',
  public_url: 'https://relay.example.com/0123',
  ack: 'relay',
  heartbeat_ms: 10_000,
  waiting: 3,
  copy: false,
};

const count = fc.nat(Number.MAX_SAFE_INTEGER);
const control: fc.Arbitrary<Control> = fc.oneof(
  fc.record({
    type: fc.constant('attached' as const),
    channel: fc.string({ maxLength: 200 }),
    public_url: fc.option(fc.string({ maxLength: 2000 })),
    ack: fc.constantFrom('app' as const, 'relay' as const),
    heartbeat_ms: fc.integer({ min: 10, max: 600_000 }),
    waiting: count,
    copy: fc.boolean(),
  }),
  fc.record({ type: fc.constant('open' as const), open: fc.boolean() }),
  fc.record({ type: fc.constant('waiting' as const), waiting: count }),
);

/** What it was read as; null where it was refused rightly. Anything else it throws on. */
function read(text: string): Control | null {
  try {
    return readControl(text);
  } catch (error) {
    if (error instanceof BadFrameError) return null;
    throw error;
  }
}

test('property: what one end says the other understands', () => {
  fc.assert(
    fc.property(control, (message) => {
      expect(readControl(JSON.stringify(message))).toEqual(message);
    }),
  );
});

describe('anything else gives a message that is known, or BadFrameError', () => {
  const isKnown = (message: Control | null) =>
    message === null || ['attached', 'open', 'waiting'].includes(message.type);

  test('property: any text', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => isKnown(read(text))));
  });

  test('property: any JSON', () => {
    fc.assert(fc.property(fc.json(), (text) => read(text) === null));
  });

  test('property: a message with one field that is something else', () => {
    fc.assert(
      fc.property(control, fc.nat(), fc.jsonValue(), (message, at, value) => {
        const names = Object.keys(message);
        return isKnown(read(JSON.stringify({ ...message, [names[at % names.length] as string]: value })));
      }),
      { numRuns: 300 },
    );
  });

  test.each([
    ['nothing', ''],
    ['half of it', JSON.stringify(attached).slice(0, -1)],
    ['a list', '[]'],
    ['null', 'null'],
    ['one of another type', '{"type":"goodbye"}'],
    ['one of a type that every object has', '{"type":"__proto__"}'],
    ['brackets without end', '['.repeat(100_000)],
  ])('%s', (_, text) => {
    expect(() => readControl(text)).toThrow(BadFrameError);
  });

  test.each<[string, object]>([
    ['a heart that beats all the time', { heartbeat_ms: 9 }],
    ['a heart that hardly beats', { heartbeat_ms: 600_001 }],
    ['less than nothing waiting', { waiting: -1 }],
    ['half a delivery waiting', { waiting: 1.5 }],
    ['another way to answer', { ack: 'first' }],
    ['an endless name', { channel: 'x'.repeat(201) }],
    ['an endless URL', { public_url: `https://${'x'.repeat(2000)}` }],
    ['no URL at all', { public_url: undefined }],
  ])('a greeting with %s', (_, change) => {
    expect(readControl(JSON.stringify(attached))).toEqual(attached);
    expect(() => readControl(JSON.stringify({ ...attached, ...change }))).toThrow(BadFrameError);
  });
});

test('a later version may say more; what is not known is left out', () => {
  expect(readControl('{"type":"open","open":true,"why":"because","__proto__":{"x":1}}')).toEqual({
    type: 'open',
    open: true,
  });
  expect(({} as { x?: number }).x).toBeUndefined();
});

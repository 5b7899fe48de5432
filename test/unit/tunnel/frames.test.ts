import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { inOnePiece } from '../../../src/core/pieces.ts';
import {
  BadFrameError,
  type DeliveryFrame,
  decodeContent,
  decodeFrames,
  encodeAnswer,
  encodeContent,
  encodeDelivery,
  type Frame,
  nextNumber,
} from '../../../src/tunnel/frames.ts';

const latin1 = fc.array(fc.integer({ min: 0, max: 255 }), { maxLength: 40 });
const text = latin1.map((units) => String.fromCharCode(...units));
/** Names come twice now and then, in one case or another. */
const name = fc.oneof(text, fc.constantFrom('X-MO-Event-Id', 'x-mo-event-id', 'Set-Cookie'));
const headers = fc.array(fc.tuple(name, text), { maxLength: 12 }).map((pairs) => pairs.flat());
const body = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  fc
    .constantFrom('', '\ufeff{"a":1}', '\xff\xfe\xc3\x28', '\0\r\n\x1b')
    .map((odd) => Buffer.from(odd, 'latin1')),
  fc.constant(Buffer.from('\ufeff{}', 'utf8')),
  fc.constantFrom(65_000, 65_536, 65_600, 200_000).map((size) => Buffer.alloc(size, 'x')),
);
const number = fc.integer({ min: 0, max: 2 ** 32 - 1 });

type Sent =
  | (Omit<DeliveryFrame, 'kind' | 'content'> & { headers: string[]; body: Uint8Array })
  | { number: number; status: number; headers: string[]; body: Uint8Array };

const delivery: fc.Arbitrary<Sent> = fc.record({
  number,
  kept: fc.boolean(),
  copy: fc.boolean(),
  receivedAt: fc.integer({ min: 0, max: 2 ** 48 - 1 }),
  headers,
  body,
});
const answer: fc.Arbitrary<Sent> = fc.record({
  number,
  status: fc.integer({ min: 200, max: 599 }),
  headers,
  body,
});

function encode(sent: Sent): Buffer {
  if ('status' in sent) return encodeAnswer(sent.number, sent);
  return Buffer.concat(
    encodeDelivery({ ...sent, content: encodeContent(sent.headers, inPieces(sent.body)) }),
  );
}

/** A body as it comes off a connection. */
function inPieces(body: Uint8Array): Uint8Array[] {
  const cut = body.length > 65_536 ? 50_000 : Math.floor(body.length / 2);
  return [body.subarray(0, cut), body.subarray(cut)];
}

/** What a frame says, in the words of what was sent. */
function told(frame: Frame): Sent {
  const { kind: _, ...rest } = frame;
  if (!('content' in rest)) return { ...rest, headers: [...rest.headers] };
  const { content, ...about } = rest;
  return { ...about, ...decodeContent(content) };
}

const plain = (sent: Sent) => ({ ...sent, body: Buffer.from(sent.body).toString('latin1') });
const sent = fc.oneof(delivery, answer);

describe('F16 what goes into a frame comes out of it', () => {
  test('property: deliveries and answers, header for header and byte for byte, alone and several in one message', () => {
    fc.assert(
      fc.property(fc.array(sent, { maxLength: 6 }), (all) => {
        const message = Buffer.concat(all.map(encode));
        const before = Buffer.from(message);
        expect(decodeFrames(message).map(told).map(plain)).toEqual(all.map(plain));
        expect(message.equals(before)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  test('a kept delivery is sent again as the very bytes that were kept', () => {
    const content = inOnePiece(
      encodeContent(['A', 'ÿ', 'a', '', 'A', 'ÿ'], [Buffer.from([0xef, 0xbb, 0xbf, 0xff, 0])]),
    );
    const about = { kept: true, copy: false, receivedAt: 1_769_860_800_123 };
    for (const nth of [1, 2]) {
      const [frame] = decodeFrames(
        Buffer.concat(encodeDelivery({ number: nth, ...about, content: [content] })),
      );
      expect(frame).toEqual({ kind: 'delivery', number: nth, ...about, content });
    }
  });

  test('a body that is a text goes as UTF-8', () => {
    const [frame] = decodeFrames(encodeAnswer(7, { status: 503, headers: [], body: 'später' }));
    expect(frame).toMatchObject({ number: 7, status: 503, body: Buffer.from('später') });
  });

  test('an empty message has no frames', () => {
    expect(decodeFrames(Buffer.alloc(0))).toEqual([]);
  });
});

/** Decodes all there is, contents too; true where that was refused rightly. Anything else it throws on. */
function refused(message: Buffer): boolean {
  try {
    for (const frame of decodeFrames(message)) if (frame.kind === 'delivery') decodeContent(frame.content);
    return false;
  } catch (error) {
    if (error instanceof BadFrameError) return true;
    throw error;
  }
}

describe('what is no frame is refused with BadFrameError and nothing else', () => {
  test('property: any bytes', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void refused(Buffer.from(bytes))));
  });

  test('property: bytes that begin like a frame', () => {
    const start = fc.tuple(fc.constantFrom(0, 1, 2, 3, 255), number, fc.integer({ min: 0, max: 40 }));
    fc.assert(
      fc.property(start, fc.uint8Array({ maxLength: 40 }), ([kind, count, length], rest) => {
        const head = Buffer.alloc(9);
        head[0] = kind;
        head.writeUInt32BE(count, 1);
        head.writeUInt32BE(length, 5);
        refused(Buffer.concat([head, rest]));
      }),
      { numRuns: 500 },
    );
  });

  test('property: a message that is cut off anywhere within its only frame', () => {
    fc.assert(
      fc.property(sent, fc.double({ min: 0, max: 1, noNaN: true }), (one, part) => {
        const message = encode(one);
        const cut = 1 + Math.floor(part * (message.length - 2));
        expect(refused(message.subarray(0, cut))).toBe(true);
      }),
    );
  });

  test('property: a message of which a byte is altered', () => {
    fc.assert(
      fc.property(fc.array(sent, { minLength: 1, maxLength: 3 }), fc.nat(), fc.nat(255), (all, at, byte) => {
        const message = Buffer.concat(all.map(encode));
        message[at % message.length] = byte;
        refused(message);
      }),
      { numRuns: 500 },
    );
  });

  test.each([
    ['a frame of another kind', [3, 0, 0, 0, 1, 0, 0, 0, 0]],
    ['a delivery without its time', [1, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0]],
    ['an answer without a status', [2, 0, 0, 0, 1, 0, 0, 0, 1, 0]],
    ['an answer of status 199', [2, 0, 0, 0, 1, 0, 0, 0, 4, 0, 199, 0, 0]],
    ['an answer of status 600', [2, 0, 0, 0, 1, 0, 0, 0, 4, 2, 88, 0, 0]],
    ['a frame longer than its message', [2, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff, 0, 200, 0, 0]],
    ['half a head behind a whole frame', [2, 0, 0, 0, 1, 0, 0, 0, 4, 0, 200, 0, 0, 2, 0]],
    ['a header name alone', [2, 0, 0, 0, 1, 0, 0, 0, 7, 0, 200, 0, 1, 0, 1, 65]],
    ['a header beyond its frame', [2, 0, 0, 0, 1, 0, 0, 0, 7, 0, 200, 0, 2, 0, 9, 65]],
    ['a last header beyond its frame', [2, 0, 0, 0, 1, 0, 0, 0, 9, 0, 200, 0, 2, 0, 0, 0, 9, 65]],
    ['more headers than there are', [2, 0, 0, 0, 1, 0, 0, 0, 4, 0, 200, 0, 2]],
  ])('%s', (_, bytes) => {
    expect(() => decodeFrames(Buffer.from(bytes))).toThrow(BadFrameError);
  });

  test('content that ends before its headers do', () => {
    for (const bytes of [[], [0], [0, 2, 0], [0, 2, 0, 1, 65]])
      expect(() => decodeContent(Uint8Array.from(bytes))).toThrow(BadFrameError);
  });
});

describe('a large body', () => {
  const pieces = (count: number, size: number) =>
    Array.from({ length: count }, () => Buffer.alloc(size, 'x'));

  test('stays in its pieces, so that nothing is copied', () => {
    const body = pieces(8, 8193);
    const content = encodeContent(['A', 'b'], body);
    expect(content.slice(1)).toEqual(body);
    content.slice(1).forEach((piece, i) => void expect(piece).toBe(body[i]));
    const about = { number: 1, kept: false, copy: false, receivedAt: 0 };
    const frame = encodeDelivery({ ...about, content });
    frame.slice(1).forEach((piece, i) => void expect(piece).toBe(content[i]));
    expect(frame).toHaveLength(10);
  });

  test.each([
    ['of 64 KiB', 8, 8192],
    ['in crumbs', 100, 8191],
    ['in more pieces than a WebSocket takes', 4097, 8192],
  ])('%s is joined', (_, count, size) => {
    const content = encodeContent(['A', 'b'], pieces(count, size));
    expect(content).toHaveLength(1);
    expect(decodeContent(content[0] as Uint8Array).body).toHaveLength(count * size);
  });
});

describe('what a frame has no room for', () => {
  test('a header of 65,535 characters fits, one more is a RangeError', () => {
    const longest = 'v'.repeat(65_535);
    expect(decodeContent(inOnePiece(encodeContent(['A', longest], []))).headers).toEqual(['A', longest]);
    expect(() => encodeContent(['A', `${longest}v`], [])).toThrow(RangeError);
    expect(() => encodeAnswer(1, { status: 200, headers: [`${longest}v`, ''], body: '' })).toThrow(
      RangeError,
    );
  });

  test('32,767 headers fit, one more is a RangeError', () => {
    const most = new Array<string>(65_534).fill('');
    expect(decodeContent(inOnePiece(encodeContent(most, []))).headers).toHaveLength(65_534);
    expect(() => encodeContent([...most, '', ''], [])).toThrow(RangeError);
  });
});

test('numbers go on by one and begin again at 1', () => {
  expect([0, 1, 41, 2 ** 32 - 2].map(nextNumber)).toEqual([1, 2, 42, 2 ** 32 - 1]);
  expect(nextNumber(2 ** 32 - 1)).toBe(1);
  const [frame] = decodeFrames(encodeAnswer(2 ** 32 - 1, { status: 200, headers: [], body: '' }));
  expect(frame?.number).toBe(2 ** 32 - 1);
});

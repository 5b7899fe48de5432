import type { RawHeaders } from '../core/headers.ts';
import { type Pieces, sizeOf } from '../core/pieces.ts';
import type { Answer } from '../http/serve-options.ts';

// What goes over a link as binary messages: deliveries one way, answers the other. A message is one frame or several:
//   kind (1 byte) · number (4) · length of the rest (4) · the rest
// Integers are big-endian. Headers are latin1, as HTTP has them, in their order and their case; bodies are bytes.

/** A delivery on its way to a listener. */
export interface DeliveryFrame {
  kind: 'delivery';
  /** What its answer refers to; unique on one link. */
  number: number;
  /** Answered already by the relay, which keeps it until a listener has answered too. */
  kept: boolean;
  /** A copy for one of several listeners: nobody waits for the answer. */
  copy: boolean;
  /** When the relay had all of it, ms since the epoch. */
  receivedAt: number;
  /** See encodeContent. */
  content: Uint8Array;
}

/** What a listener answered. */
export interface AnswerFrame extends Answer {
  kind: 'answer';
  number: number;
  body: Uint8Array;
}

export type Frame = DeliveryFrame | AnswerFrame;

/** What came over a link is not of this protocol. */
export class BadFrameError extends Error {
  override readonly name = 'BadFrameError';
}

const LARGE = 65_536;
/** What is worth leaving as it is: pieces no smaller on the whole, and no more than the other side's WebSocket takes. */
const PIECES = { size: 8192, count: 4096 };
const DELIVERY = 1;
const ANSWER = 2;
const HEAD_BYTES = 9;
/** flags (1) · received at (6) */
const DELIVERY_BYTES = 7;
const KEPT = 1;
const COPY = 2;
/** status (2) */
const ANSWER_BYTES = 2;
const MAX_NUMBER = 2 ** 32 - 1;
const MAX_FIELD = 2 ** 16 - 1;

/** The number after this one; they begin again after four thousand million. */
export function nextNumber(number: number): number {
  return number === MAX_NUMBER ? 1 : number + 1;
}

/**
 * A delivery's headers and body as one run of bytes: it is kept, and sent, as it is.
 *   count of texts (2) · per text: length (2) and the text · body
 * A large body stays in its pieces behind the rest, unless it is in crumbs: a copy of every megabyte that passes has all
 * memory gone through so often that others wait for it.
 */
export function encodeContent(headers: RawHeaders, body: Pieces): Pieces {
  const size = sizeOf(body);
  const inPieces = size > LARGE && body.length <= PIECES.count && size / body.length >= PIECES.size;
  const inline = inPieces ? [] : body;
  const bytes = Buffer.allocUnsafe(encodedSize(headers, inline));
  writeContent(bytes, 0, headers, inline);
  return inPieces ? [bytes, ...body] : [bytes];
}

/** What `encodeContent` was given; the body is a view of the bytes. Throws BadFrameError. */
export function decodeContent(content: Uint8Array): { headers: string[]; body: Buffer } {
  const bytes = Buffer.from(content.buffer, content.byteOffset, content.byteLength);
  if (bytes.length < 2) throw new BadFrameError('it ends before its headers');
  const count = bytes.readUInt16BE(0);
  if (count % 2 === 1) throw new BadFrameError('a header has a name alone');
  const headers: string[] = new Array(count);
  let at = 2;
  for (let i = 0; i < count; i++) {
    if (at + 2 > bytes.length) throw new BadFrameError('it ends within its headers');
    const end = at + 2 + bytes.readUInt16BE(at);
    if (end > bytes.length) throw new BadFrameError('it ends within its headers');
    headers[i] = bytes.toString('latin1', at + 2, end);
    at = end;
  }
  return { headers, body: bytes.subarray(at) };
}

/** In one piece; a large content stays as it is behind the frame's head. */
export function encodeDelivery({
  number,
  kept,
  copy,
  receivedAt,
  content,
}: Omit<DeliveryFrame, 'kind' | 'content'> & { content: Pieces }): [Buffer, ...Uint8Array[]] {
  const size = sizeOf(content);
  const head = Buffer.allocUnsafe(HEAD_BYTES + DELIVERY_BYTES);
  writeHead(head, DELIVERY, number, DELIVERY_BYTES + size);
  head[HEAD_BYTES] = (kept ? KEPT : 0) | (copy ? COPY : 0);
  head.writeUIntBE(receivedAt, HEAD_BYTES + 1, 6);
  return size > LARGE ? [head, ...content] : [Buffer.concat([head, ...content])];
}

export function encodeAnswer(number: number, { status, headers, body }: Answer): Buffer {
  const said = [typeof body === 'string' ? Buffer.from(body) : body];
  const size = ANSWER_BYTES + encodedSize(headers, said);
  const bytes = Buffer.allocUnsafe(HEAD_BYTES + size);
  writeHead(bytes, ANSWER, number, size);
  bytes.writeUInt16BE(status, HEAD_BYTES);
  writeContent(bytes, HEAD_BYTES + ANSWER_BYTES, headers, said);
  return bytes;
}

/** The frames of one message. Throws BadFrameError; nothing of a message with a bad frame is to be used. */
export function decodeFrames(message: Buffer): Frame[] {
  const frames: Frame[] = [];
  for (let at = 0; at < message.length; ) {
    if (at + HEAD_BYTES > message.length) throw new BadFrameError('it ends within a frame');
    const kind = message[at];
    const number = message.readUInt32BE(at + 1);
    const start = at + HEAD_BYTES;
    const end = start + message.readUInt32BE(at + 5);
    if (end > message.length) throw new BadFrameError('a frame is longer than its message');
    frames.push(decodeRest(kind as number, number, message.subarray(start, end)));
    at = end;
  }
  return frames;
}

function decodeRest(kind: number, number: number, rest: Buffer): Frame {
  if (kind === DELIVERY) {
    if (rest.length < DELIVERY_BYTES) throw new BadFrameError('a delivery is cut short');
    const flags = rest[0] as number;
    return {
      kind: 'delivery',
      number,
      kept: (flags & KEPT) !== 0,
      copy: (flags & COPY) !== 0,
      receivedAt: rest.readUIntBE(1, 6),
      content: rest.subarray(DELIVERY_BYTES),
    };
  }
  if (kind !== ANSWER) throw new BadFrameError(`a frame is of kind ${kind}`);
  if (rest.length < ANSWER_BYTES) throw new BadFrameError('an answer is cut short');
  const status = rest.readUInt16BE(0);
  if (status < 200 || status > 599) throw new BadFrameError(`an answer has the status ${status}`);
  return { kind: 'answer', number, status, ...decodeContent(rest.subarray(ANSWER_BYTES)) };
}

function encodedSize(headers: RawHeaders, body: Pieces): number {
  let size = 2 + sizeOf(body);
  for (const text of headers) size += 2 + text.length;
  return size;
}

function writeHead(bytes: Buffer, kind: number, number: number, size: number): void {
  bytes[0] = kind;
  bytes.writeUInt32BE(number, 1);
  bytes.writeUInt32BE(size, 5);
}

function writeContent(bytes: Buffer, start: number, headers: RawHeaders, body: Pieces): void {
  if (headers.length > MAX_FIELD) throw new RangeError('too many headers for a frame');
  let at = bytes.writeUInt16BE(headers.length, start);
  for (const text of headers) {
    if (text.length > MAX_FIELD) throw new RangeError('a header is too long for a frame');
    at = bytes.writeUInt16BE(text.length, at);
    at += bytes.write(text, at, 'latin1');
  }
  for (const piece of body) {
    bytes.set(piece, at);
    at += piece.length;
  }
}

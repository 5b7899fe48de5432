import { BadMessageError, type Fields, isChunked } from './message-head.ts';
import type { Framing, MessageKind } from './message-parser.ts';

/** An answer's status, and whether it speaks HTTP/1.1. */
export interface StatusLine {
  status: number;
  modern: boolean;
}

const START = 'HTTP/1.';
const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: |$)/;

/** Answers to POST requests; interim ones (1xx) are passed over. */
export const ANSWER: MessageKind<StatusLine> = {
  pipelined: false,

  begins: (text) => text.startsWith(START) || START.startsWith(text),

  start(line) {
    const match = STATUS_LINE.exec(line);
    if (match === null) throw new BadMessageError(`its status line is '${line.slice(0, 80)}'`);
    return { status: Number(match[2]), modern: match[1] === '1' };
  },

  framing({ status }, { coding, length }: Fields): Framing {
    if (status < 200 && status !== 101) return 'interim';
    if (status === 204 || status === 304 || status === 101) return 0;
    if (coding !== null) return isChunked(coding) ? 'chunks' : 'until close';
    return length ?? 'until close';
  },

  // Another protocol (101) is none of ours.
  reusable: ({ status, modern }) => modern && status !== 101,
};

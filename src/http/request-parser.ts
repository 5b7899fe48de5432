import { METHODS } from 'node:http';
import { BadMessageError, type Fields, isChunked } from './message-head.ts';
import type { Framing, MessageKind } from './message-parser.ts';

export interface RequestLine {
  method: string;
  /** Path and query as they came. */
  target: string;
  /** Whether it speaks HTTP/1.1. */
  modern: boolean;
}

const BEGINNING = /^[A-Z-]{1,20}(?: |$)/;
const REQUEST_LINE = /^([A-Z-]{1,20}) ([!-~\x80-\xff]+) HTTP\/1\.([01])$/;

/** Requests as a server reads them: what two readers could take for two things is refused (fault C2). */
export const REQUEST: MessageKind<RequestLine> = {
  pipelined: true,

  begins: (text) => text === '\r' || BEGINNING.test(text),

  start(line) {
    const match = REQUEST_LINE.exec(line);
    if (match === null) throw new BadMessageError(`its request line is '${line.slice(0, 80)}'`);
    const [, method, target, minor] = match as unknown as [string, string, string, string];
    if (!METHODS.includes(method)) throw new BadMessageError(`its method is '${method}'`);
    return { method, target, modern: minor === '1' };
  },

  framing({ modern }, { coding, length, hosts }: Fields): Framing {
    if (hosts > 1 || (hosts === 0 && modern)) throw new BadMessageError(`it has ${hosts} Host headers`);
    if (coding === null) return length ?? 0;
    if (length !== null) throw new BadMessageError('it has both Content-Length and Transfer-Encoding');
    if (!isChunked(coding)) throw new BadMessageError(`its Transfer-Encoding is '${coding.slice(0, 40)}'`);
    return 'chunks';
  },

  reusable: ({ modern }) => modern,
};

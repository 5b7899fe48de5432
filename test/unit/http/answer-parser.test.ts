import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ANSWER } from '../../../src/http/answer-parser.ts';
import { BadMessageError } from '../../../src/http/message-head.ts';
import { MessageParser } from '../../../src/http/message-parser.ts';

interface Read {
  heads: [number, readonly string[]][];
  body: string;
  ended: { reusable: boolean } | null;
  keepMs: number | null;
  cutOff: boolean;
  bad: string | null;
}

/** What is read off a connection that brings these pieces and then ends. */
function read(pieces: Uint8Array[]): Read {
  const seen: Read = { heads: [], body: '', ended: null, keepMs: null, cutOff: false, bad: null };
  const parser = new MessageParser(ANSWER, {
    onHead: ({ status }, { headers, keepMs }) => {
      seen.heads.push([status, headers]);
      seen.keepMs = keepMs;
    },
    onBody: (chunk) => {
      seen.body += chunk.toString('latin1');
    },
    onEnd: (reusable) => {
      seen.ended = { reusable };
    },
  });
  parser.expect();
  try {
    for (const piece of pieces) {
      // As a connection does: the buffer is another's again as soon as the call returns.
      const lent = Buffer.from(piece);
      parser.push(lent);
      lent.fill(0x21);
    }
    seen.cutOff = !parser.end();
  } catch (error) {
    if (!(error instanceof BadMessageError)) throw error;
    seen.bad = error.message;
  }
  return seen;
}

const readText = (...pieces: string[]) => read(pieces.map((piece) => Buffer.from(piece, 'latin1')));
const answer = (head: string, body = '') => `HTTP/1.1 ${head.replaceAll('\n', '\r\n')}\r\n\r\n${body}`;

describe('framing', () => {
  test('a body of a declared length, and the connection lives on', () => {
    expect(readText(answer('200 OK\nContent-Length: 5\nX-A:  b c \t', 'hello'))).toEqual({
      heads: [[200, ['Content-Length', '5', 'X-A', 'b c']]],
      body: 'hello',
      ended: { reusable: true },
      keepMs: null,
      cutOff: false,
      bad: null,
    });
  });

  test.each([
    ['204', answer('204 No Content'), true],
    ['304', answer('304 Not Modified\nContent-Length: 10'), true],
    ['a length of 0', answer('200 OK\nContent-Length: 0'), true],
    ['no reason phrase', 'HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n', true],
    ['HTTP/1.0', 'HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n', false],
    ['Connection: close', answer('200 OK\nContent-Length: 0\nConnection: close'), false],
    ['Connection: x, Close', answer('200 OK\nContent-Length: 0\nConnection: x, Close'), false],
    ['another protocol', answer('101 Switching Protocols\nUpgrade: x'), false],
    ['bytes behind the answer', `${answer('200 OK\nContent-Length: 2')}ok?`, false],
  ])('%s: ended, reusable %#', (_, text, reusable) => {
    expect(readText(text).ended?.reusable ?? null).toBe(reusable);
  });

  test('how long the other side keeps the connection is passed on', () => {
    expect(readText(answer('200 OK\nContent-Length: 0\nKeep-Alive: max=5, timeout=7')).keepMs).toBe(7000);
  });

  test('chunks, their extensions and trailers', () => {
    const body = '3;a="b"\r\nabc\r\nA \r\n0123456789\r\n0\r\nX-Sum: 1\r\n\r\n';
    expect(readText(answer('200 OK\nTransfer-Encoding: gzip, chunked', body))).toMatchObject({
      body: 'abc0123456789',
      ended: { reusable: true },
    });
  });

  test('without a length the body ends with the connection', () => {
    expect(readText(answer('200 OK\nX-A: b', 'until the end'))).toMatchObject({
      body: 'until the end',
      ended: { reusable: false },
      cutOff: false,
    });
  });

  test.each([
    ['the head', 'HTTP/1.1 200 OK\r\nX-A'],
    ['the body', answer('200 OK\nContent-Length: 9', 'short')],
    ['a chunk', answer('200 OK\nTransfer-Encoding: chunked', '5\r\nab')],
    ['nothing at all', ''],
  ])('cut off within %s', (_, text) => {
    expect(readText(text)).toMatchObject({ ended: null, cutOff: true, bad: null });
  });

  test('interim answers are passed over', () => {
    expect(readText(answer('100 Continue'), answer('103 Early\nLink: x'), answer('204 No'))).toMatchObject({
      heads: [[204, []]],
      ended: { reusable: true },
    });
  });
});

test('answers that follow one another each have their own head and body', () => {
  const seen: string[] = [];
  const parser = new MessageParser(ANSWER, {
    onHead: ({ status }, { headers }) => seen.push(`${status} ${headers.join(' ')}`),
    onBody: (chunk) => seen.push(chunk.toString()),
    onEnd: () => seen.push('end'),
  });
  const ok = answer('200 OK\nContent-Length: 2', 'ok');
  const no = answer('503 No\nContent-Length: 3\nRetry-After: 1', 'no!');
  for (const text of [ok, ok, no, ok]) {
    parser.expect();
    parser.push(Buffer.from(text));
  }
  const [first, second] = [
    ['200 Content-Length 2', 'ok', 'end'],
    ['503 Content-Length 3 Retry-After 1', 'no!', 'end'],
  ];
  expect(seen).toEqual([first, first, second, first].flat());
});

describe('what could be read in two ways', () => {
  test('a length beside chunks: read as chunks, and the connection is given up', () => {
    const both = answer('200 OK\nContent-Length: 4\nTransfer-Encoding: chunked', '0\r\n\r\n');
    expect(readText(both).ended).toMatchObject({ reusable: false });
  });

  test('the same length twice is one', () => {
    expect(readText(answer('200 OK\nContent-Length: 2\nContent-Length: 2', 'ok')).body).toBe('ok');
  });

  test.each([
    ['two lengths', answer('200 OK\nContent-Length: 2\nContent-Length: 3', 'ok'), /two Content-Length/],
    ['a length list', answer('200 OK\nContent-Length: 2, 2', 'ok'), /Content-Length/],
    ['a signed length', answer('200 OK\nContent-Length: +2', 'ok'), /Content-Length/],
    ['a folded header', answer('200 OK\nX-A: b\n c: d'), /header line/],
    ['a space before the colon', answer('200 OK\nContent-Length : 2'), /header line/],
    ['a NUL', answer('200 OK\nX-A: \0'), /header line/],
    ['lone line feeds', 'HTTP/1.1 200 OK\nContent-Length: 0\n\n', /ends wrongly/],
    ['a lone carriage return', answer('200 OK\nX-A: b\rContent-Length: 0'), /ends wrongly/],
    ['another version', 'HTTP/2.0 200 OK\r\n\r\n', /begins with/],
    ['a status of two digits', answer('20 OK'), /status line/],
    ['not HTTP, and not yet a line', '220 mail', /begins with '220 mail'/],
    ['endless headers', `HTTP/1.1 200 OK\r\nX-A: ${'a'.repeat(20_000)}`, /more than 16384/],
    ['a chunk without a size', answer('200 OK\nTransfer-Encoding: chunked', 'zz\r\n'), /chunk begins/],
    ['a negative chunk', answer('200 OK\nTransfer-Encoding: chunked', '-1\r\n'), /chunk begins/],
    ['a chunk that is too long', answer('200 OK\nTransfer-Encoding: chunked', '1\r\nab\r\n'), /longer/],
    [
      'an endless chunk line',
      answer('200 OK\nTransfer-Encoding: chunked', `1;${'a'.repeat(2000)}`),
      /too long/,
    ],
    [
      'an endless trailer',
      answer('200 OK\nTransfer-Encoding: chunked', `0\r\n${`X: ${'a'.repeat(900)}\r\n`.repeat(20)}`),
      /trailer/,
    ],
  ])('%s is refused', (_, text, why) => {
    expect(readText(text).bad).toMatch(why);
  });

  test('bytes that no request asked for are refused', () => {
    const parser = new MessageParser(ANSWER, { onHead: () => {}, onBody: () => {}, onEnd: () => {} });
    expect(() => parser.push(Buffer.from('HTTP/1.1 200 OK\r\n\r\n'))).toThrow(BadMessageError);
  });
});

describe('for any answer', () => {
  const token = fc
    .stringMatching(/^[A-Za-z][A-Za-z0-9-]{0,12}$/)
    .filter((name) => !/^(content-length|connection|keep-alive|transfer-encoding)$/i.test(name));
  const value = fc.stringMatching(/^[!-~]([ -~]{0,20}[!-~])?$/);
  const anyAnswer = fc
    .record({
      status: fc.constantFrom(200, 202, 299, 404, 500, 503),
      headers: fc.array(fc.tuple(token, value), { maxLength: 5 }),
      body: fc.uint8Array({ maxLength: 300 }),
      chunked: fc.boolean(),
      interim: fc.integer({ min: 0, max: 2 }),
    })
    .map(({ status, headers, body, chunked, interim }) => {
      const bytes = Buffer.from(body);
      const cuts = [0, Math.floor(bytes.length / 3), bytes.length];
      const parts = [bytes.subarray(cuts[0], cuts[1]), bytes.subarray(cuts[1], cuts[2])].filter(
        (part) => part.length > 0,
      );
      const framed = chunked
        ? Buffer.concat([
            ...parts.flatMap((part) => [
              Buffer.from(`${part.length.toString(16)}\r\n`),
              part,
              Buffer.from('\r\n'),
            ]),
            Buffer.from('0\r\n\r\n'),
          ])
        : bytes;
      const framing = chunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${bytes.length}`;
      const lines = [...headers.map(([name, text]) => `${name}: ${text}`), framing];
      const head = `${answer('103 Early').repeat(interim)}HTTP/1.1 ${status} X\r\n${lines.join('\r\n')}\r\n\r\n`;
      return {
        status,
        headers,
        body: bytes.toString('latin1'),
        wire: Buffer.concat([Buffer.from(head, 'latin1'), framed]),
      };
    });

  /** The same bytes in pieces of these sizes. */
  const split = (wire: Buffer, sizes: number[]) => {
    const pieces: Buffer[] = [];
    let at = 0;
    for (let i = 0; at < wire.length; i++) {
      const size = sizes.length === 0 ? wire.length : (sizes[i % sizes.length] as number);
      pieces.push(wire.subarray(at, at + size));
      at += size;
    }
    return pieces;
  };

  test('the pieces it comes in make no difference', () => {
    fc.assert(
      fc.property(anyAnswer, fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 6 }), (sent, sizes) => {
        const seen = read(split(sent.wire, sizes));
        expect(seen).toMatchObject({ body: sent.body, ended: { reusable: true }, bad: null });
        expect(seen.heads).toHaveLength(1);
        expect(seen.heads[0]?.[0]).toBe(sent.status);
        expect(seen.heads[0]?.[1].slice(0, -2)).toEqual(sent.headers.flat());
      }),
      { numRuns: 300 },
    );
  });

  test('no bytes make it throw anything but a BadMessageError', () => {
    const noise = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.string().map((text) => Buffer.from(`HTTP/1.1 200 ${text}`)),
    );
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            noise,
            anyAnswer.map(({ wire }) => wire),
          ),
          { maxLength: 4 },
        ),
        (pieces) => {
          const { ended, cutOff, bad } = read(pieces);
          expect(ended !== null || cutOff || bad !== null).toBe(true);
        },
      ),
      { numRuns: 300 },
    );
  });
});

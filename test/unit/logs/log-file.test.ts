import { describe, expect, test } from 'vitest';
import { attemptToJson } from '../../../src/core/record.ts';
import { detectFormat } from '../../../src/logs/log-file.ts';
import { logFile } from '../../helpers/log-files.ts';
import { newAttempt } from '../../helpers/records.ts';

const LINE = JSON.stringify(attemptToJson(newAttempt()));
const LARGE = JSON.stringify({ ...attemptToJson(newAttempt()), body_base64: 'A'.repeat(200_000) });
const PRETTY = JSON.stringify(JSON.parse(LINE), null, 2);
const utf16 = (text: string) => Buffer.from(`\ufeff${text}`, 'utf16le');

describe('a file is known for what it is by its beginning', () => {
  test.each([
    ['ndjson', 'one line', LINE],
    ['ndjson', 'lines', `${LINE}\n${LINE}\n`],
    ['ndjson', 'lines with CRLF and a byte order mark', `\ufeff${LINE}\r\n${LINE}\r\n`],
    ['ndjson', 'blank lines first', `\n \n${LINE}\n`],
    ['ndjson', 'a stream that begins with another line', `{"type":"ready"}\n${LINE}\n`],
    ['ndjson', 'a spoilt first line', `{"kind":"att\n${LINE}\n`],
    ['ndjson', 'a first line that is none', `Listening on 4800\n${LINE}\n`],
    ['ndjson', 'zeros at the beginning', `${'\0'.repeat(512)}\n${LINE}\n`],
    ['ndjson', 'a first line that is longer than what is looked at', `${LARGE}\n${LINE}\n`],
    ['ndjson', 'an array with a record a line', `[\n${LINE},\n${LINE}\n]\n`],
    ['ndjson', 'UTF-16', utf16(`${LINE}\r\n${LINE}\r\n`)],
    ['ndjson', 'UTF-16, the other way round', utf16(`${LINE}\n`).swap16()],
    ['json', 'an array on one line', `[${LINE},${LINE}]`],
    ['json', 'an array over several lines', JSON.stringify([JSON.parse(LINE)], null, 2)],
    ['json', 'an array with several records a line', `[\n${LINE},${LINE},\n${LINE}\n]`],
    ['json', 'one record over several lines', PRETTY],
    ['json', 'an empty array', '[\n]\n'],
    ['har', 'an archive', '{"log":{"version":"1.2","entries":[]}}'],
    [
      'har',
      'an archive over several lines',
      JSON.stringify({ log: { version: '1.2', entries: [] } }, null, 2),
    ],
    ['har', 'an archive on one long line', `{"log":{"pages":["${'x'.repeat(100_000)}"],"entries":[]}}`],
    ['csv', 'a row of names', 'event_id,status\nev_1,200\n'],
    ['csv', 'a row of names in quotes', '"event_id","status"\r\n'],
    ['csv', 'a body that is JSON', 'event_id,body\nev_1,"{""event"":""x""}"\n'],
    ['csv', 'nothing', ''],
    ['http', 'a request', 'POST /hook HTTP/1.1\r\nHost: x\r\n\r\n{}'],
    ['http', 'headers alone', 'X-MO-Event-Id: ev_1\n\n{}'],
  ])('%s: %s', async (format, _, content) => {
    expect(await detectFormat(logFile(content))).toBe(format);
  });
});

import { describe, expect, test } from 'vitest';
import { run } from '../../src/cli/main.ts';
import { attemptToJson, type LogRecord, receiptToJson } from '../../src/core/record.ts';
import { answers, startEndpoint } from '../helpers/endpoint.ts';
import { newAttempt, newReceipt } from '../helpers/records.ts';
import { eventIds, file, inStore, ioOf, nthEvent, replay, to, type World, world } from '../helpers/replay.ts';

const REASON = /cannot be sent again, because their body is not on record, or masked/;
/** An event with a number in it, which an export masks. */
const WITH_NUMBER = '{"event":"call_missed","call_id":"MO7","caller_number":"+919812345678"}';

function receiptWithoutBody(id: string): LogRecord {
  const { body, headers, timestampMs, accepted, forwarding, ...about } = newReceipt({ id, eventId: id });
  const receipt = { ...about, duplicate: null, forward: null, shownAt: null };
  return { kind: 'receipt', receipt, headers: null, body: null };
}

async function exportTo(where: World, name: string, ...flags: string[]): Promise<string> {
  expect(
    await run(['logs', 'export', '--with-bodies', '-o', `${where.cwd}/${name}`, ...flags], ioOf(where)),
  ).toBe(0);
  return name;
}

function attemptLine(id: string, more: Record<string, unknown>): string {
  return JSON.stringify({ ...attemptToJson(newAttempt({ id: `at_${id}`, eventId: id })), ...more });
}

const body = (text: string) => ({ body_base64: Buffer.from(text).toString('base64') });

describe('E11 a record without its body is refused and counted, exit 1; the others are sent', () => {
  test('of what was sent', async () => {
    const endpoint = await startEndpoint(answers(200));
    const { code, io, summary } = await replay(
      await world([{}, { body: null }, {}, { body: null }]),
      to(endpoint),
    );
    expect([code, eventIds(endpoint).sort()]).toEqual([1, ['ev_0', 'ev_2']]);
    expect(io.err()).toMatch(/^mo-notify: 2 /);
    expect(io.err()).toMatch(REASON);
    expect(io.err()).toContain('logs export --with-bodies --show-numbers');
    expect(summary).toMatchObject({ sent: 2, delivered: 2 });
  });

  test('of what was received', async () => {
    const where = await world(0, [{}]);
    await inStore(where, (store) => store.addRecord(receiptWithoutBody('ev_none')));
    const endpoint = await startEndpoint(answers(200));
    const { code, io } = await replay(where, to(endpoint));
    expect([code, eventIds(endpoint)]).toEqual([1, ['ev_0']]);
    expect(io.err()).toMatch(REASON);
  });

  test('where none has a body nothing is sent, which is exit 1 as well', async () => {
    const endpoint = await startEndpoint(answers(200));
    const { code, io } = await replay(await world([{ body: null }]), to(endpoint));
    expect([code, endpoint.connections()]).toEqual([1, 0]);
    expect(io.err()).toMatch(/^mo-notify: 1 /);
  });

  test('--dry-run counts them', async () => {
    const { code, io } = await replay(await world([{}, { body: null }]), [
      '--to',
      '9',
      '--dry-run',
      '--json',
    ]);
    expect(code).toBe(1);
    expect(JSON.parse(io.out())).toMatchObject({ deliveries: 1, bodiless: 1 });
  });

  test('a later attempt is no delivery of its own, so its body is not missed', async () => {
    const where = await world([
      { status: 503, outcome: 'rejected', final: false },
      { eventId: 'ev_0', attempt: 2, body: null },
    ]);
    const endpoint = await startEndpoint(answers(200));
    const { code, io } = await replay(where, to(endpoint));
    expect([code, io.err(), eventIds(endpoint)]).toEqual([0, '', ['ev_0']]);
  });

  test('an empty body is a body', async () => {
    const endpoint = await startEndpoint(answers(200));
    const { code } = await replay(await world([{ body: '' }]), to(endpoint));
    expect([code, endpoint.requests.map(({ body: sent }) => sent.length)]).toEqual([0, [0]]);
  });
});

describe('E11 a record whose body was masked is refused, too', () => {
  const sent = [{}, { body: WITH_NUMBER }];
  const received = [{}, { body: WITH_NUMBER }];
  test.each([
    ['sent', 'ndjson'],
    ['sent', 'json'],
    ['sent', 'csv'],
    ['received', 'ndjson'],
    ['received', 'json'],
    ['received', 'csv'],
  ])('of what was %s, exported as %s', async (which, format) => {
    const where = which === 'sent' ? await world(sent) : await world(0, received);
    const name = await exportTo(where, `masked.${format}`, '--format', format);
    const endpoint = await startEndpoint(answers(200));
    const { code, io, announced } = await replay(where, [name, ...to(endpoint)]);
    expect([code, announced, eventIds(endpoint)]).toEqual([1, 1, ['ev_0']]);
    expect(io.err()).toMatch(/^mo-notify: 1 cannot be sent again/);
  });
});

describe('a line of a file that cannot be sent is told of and counted, exit 1; the others are sent', () => {
  test.each([
    ['is not JSON', '{"kind":"attempt"'],
    ['has a body that is no base64', attemptLine('ev_bad', { body_base64: '!!!' })],
    ['has no event id', attemptLine('ev_bad', { event_id: undefined, ...body(nthEvent(1)) })],
    ['has an event id that no header can carry', attemptLine('ev_\u20ac', body(nthEvent(1)))],
    ['has an event id with a line break', attemptLine('ev\r\nX-Evil: 1', body(nthEvent(1)))],
  ])('where it %s', async (_, bad) => {
    const where = await world();
    const good = ['ev_1', 'ev_3'].map((id) => attemptLine(id, body(nthEvent(1))));
    file(where, 'log.ndjson', `${good[0]}\n${bad}\n${good[1]}\n`);
    const endpoint = await startEndpoint(answers(200));
    const { code, io } = await replay(where, ['log.ndjson', ...to(endpoint)]);
    expect(io.err()).not.toContain('unexpected error');
    expect([code, eventIds(endpoint).sort()]).toEqual([1, ['ev_1', 'ev_3']]);
    expect(io.err()).toMatch(/^mo-notify: 1 /);
  });

  test('a content type that no header can carry is not sent as one', async () => {
    const where = await world();
    const receipt = {
      ...newReceipt({ id: 'rc_1', eventId: 'ev_1' }),
      duplicate: null,
      forward: null,
      shownAt: null,
    };
    const headers = [['Content-Type', 'text/plain\r\nX-Evil: 1']];
    const line = { ...receiptToJson(receipt), headers, ...body(nthEvent(1)) };
    file(where, 'log.ndjson', `${JSON.stringify(line)}\n`);
    const endpoint = await startEndpoint(answers(200));
    const { io } = await replay(where, ['log.ndjson', ...to(endpoint)]);
    expect(io.err()).not.toContain('unexpected error');
    expect(endpoint.requests.map(({ header }) => header('X-Evil') ?? header('Content-Type'))).toEqual([
      'application/json',
    ]);
  });
});

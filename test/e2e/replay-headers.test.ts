import { describe, expect, test } from 'vitest';
import { HEADER } from '../../src/core/headers.ts';
import { signPayload } from '../../src/core/signature.ts';
import { answers, startEndpoint } from '../helpers/endpoint.ts';
import { attemptsOf, eventIds, ioOf, nthEvent, replay, to, world } from '../helpers/replay.ts';
import { eventOf, signatureResult } from '../helpers/send-test.ts';
import { startListen } from '../helpers/test-io.ts';

const RECORDED = signPayload(Buffer.from(nthEvent(0)), 'the platform’s own secret');
const signed = { headers: [HEADER.contentType, 'application/json', HEADER.signature, RECORDED] };

describe('the headers of a replayed delivery', () => {
  test('are those of a delivery, and name the run', async () => {
    const endpoint = await startEndpoint(answers(200));
    const { run } = await replay(await world(1), to(endpoint));
    const [seen] = endpoint.requests;
    const headers = Object.fromEntries(
      ['Content-Type', 'X-MO-Event-Id', 'X-MO-Delivery-Attempt', 'X-MO-Replay'].map((name) => [
        name,
        seen?.header(name),
      ]),
    );
    expect(headers).toEqual({
      'Content-Type': 'application/json',
      'X-MO-Event-Id': 'ev_0',
      'X-MO-Delivery-Attempt': '1',
      'X-MO-Replay': run,
    });
    expect(seen?.header('X-MO-Sent-At')).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(seen?.header('User-Agent')).toMatch(/^mo-notify\//);
  });

  test('--no-tool-headers: just as the platform would', async () => {
    const endpoint = await startEndpoint(answers(200));
    await replay(await world(1), to(endpoint, '--no-tool-headers'));
    const [seen] = endpoint.requests;
    expect([seen?.header('X-MO-Replay'), seen?.header('X-MO-Sent-At')]).toEqual([undefined, undefined]);
    expect(seen?.header('X-MO-Event-Id')).toBe('ev_0');
  });

  test('-H adds one of the user’s own', async () => {
    const endpoint = await startEndpoint(answers(200));
    await replay(await world(1), to(endpoint, '-H', 'X-Team: sales', '-H', 'user-agent: mine'));
    const [seen] = endpoint.requests;
    expect([seen?.header('X-Team'), seen?.header('User-Agent')]).toEqual(['sales', 'mine']);
  });

  test('what the body is to be read as is as it came; the rest of what came is not sent', async () => {
    const headers = [
      'content-type',
      'application/json; charset=utf-8',
      'CONTENT-ENCODING',
      'gzip',
      'Authorization',
      'Bearer of something',
      'X-MO-Delivery-Attempt',
      '3',
      'Host',
      'example.com',
    ];
    const endpoint = await startEndpoint(answers(200));
    await replay(await world(0, [{ headers, attempt: 3 }]), to(endpoint));
    const [seen] = endpoint.requests;
    expect(seen?.header('Content-Type')).toBe('application/json; charset=utf-8');
    expect(seen?.header('Content-Encoding')).toBe('gzip');
    expect(seen?.header('X-MO-Delivery-Attempt')).toBe('1');
    expect(seen?.header('Authorization')).toBeUndefined();
    expect(seen?.header('Host')).toBe(endpoint.url.host);
  });

  test('D16 on each attempt the same id, bytes and signature, and its number', async () => {
    const endpoint = await startEndpoint(answers(503, 500, 429, 200));
    const { code, attempts } = await replay(await world(1), to(endpoint));
    expect(code).toBe(0);
    const seen = (name: string) => endpoint.requests.map(({ header }) => header(name));
    expect(seen('X-MO-Delivery-Attempt')).toEqual(['1', '2', '3', '4']);
    expect(new Set(seen('X-MO-Event-Id'))).toEqual(new Set(['ev_0']));
    expect(new Set(seen('X-MO-Signature')).size).toBe(1);
    expect(new Set(endpoint.requests.map(({ body }) => body.toString()))).toEqual(new Set([nthEvent(0)]));
    expect(attempts.map(({ attempt, final, replay_of }) => [attempt, final, replay_of])).toEqual([
      [1, false, 'at_0'],
      [2, false, 'at_0'],
      [3, false, 'at_0'],
      [4, true, 'at_0'],
    ]);
  });
});

describe('signatures', () => {
  test('are made anew with the target’s secret, whatever is on record', async () => {
    const endpoint = await startEndpoint(answers(200));
    await replay(await world(0, [signed]), to(endpoint));
    expect(endpoint.requests.map(signatureResult)).toEqual(['valid']);
  });

  test('--no-resign keeps the one on record, and needs no secret', async () => {
    const where = await world(0, [signed]);
    const endpoint = await startEndpoint(answers(200));
    const io = ioOf({ ...where, env: { MO_NOTIFY_STORE: where.env.MO_NOTIFY_STORE as string } });
    expect((await replay(where, to(endpoint, '--no-resign'), io)).code).toBe(0);
    expect(endpoint.requests.map(({ header }) => header('X-MO-Signature'))).toEqual([RECORDED]);
  });

  test('--no-resign of what has none on record is not sent unsigned without a word', async () => {
    const endpoint = await startEndpoint(answers(200));
    const { io } = await replay(await world(1), to(endpoint, '--no-resign'));
    expect(io.err()).toMatch(/signature/);
  });

  test('without a secret: exit 2, and nothing is sent', async () => {
    const where = await world(1);
    const endpoint = await startEndpoint(answers(200));
    const io = ioOf({ ...where, env: { MO_NOTIFY_STORE: where.env.MO_NOTIFY_STORE as string } });
    const { code } = await replay(where, to(endpoint), io);
    expect([code, endpoint.connections()]).toEqual([2, 0]);
    expect(io.err()).toContain('No secret to sign with');
  });
});

describe('--new-ids', () => {
  test('another id for each, the same bytes and signatures', async () => {
    const endpoint = await startEndpoint(answers(200));
    await replay(await world(3), to(endpoint, '--new-ids', '--concurrency', '1'));
    const ids = eventIds(endpoint);
    expect(new Set(ids).size).toBe(3);
    for (const id of ids) expect(id).toMatch(/^ev_[0-9A-Z]{26}$/);
    expect(endpoint.requests.map(({ body }) => body.toString())).toEqual([0, 1, 2].map(nthEvent));
    expect(endpoint.requests.map(signatureResult)).toEqual(['valid', 'valid', 'valid']);
  });

  test('the record says what each is a replay of', async () => {
    const where = await world(2);
    const endpoint = await startEndpoint(answers(503, 200));
    const { run } = await replay(where, to(endpoint, '--new-ids', '--concurrency', '1', '--limit', '1'));
    const log = await attemptsOf(where, run);
    expect(log.map(({ replayOf }) => replayOf)).toEqual(['at_0', 'at_0']);
    expect(new Set(log.map(({ eventId }) => eventId))).toEqual(new Set(eventIds(endpoint)));
    expect(new Set(eventIds(endpoint)).size).toBe(1);
  });

  test('a record without an id gets one, with or without the flag', async () => {
    const endpoint = await startEndpoint(answers(200));
    await replay(await world(0, [{ eventId: null }]), to(endpoint));
    expect(eventIds(endpoint)).toEqual([expect.stringMatching(/^ev_[0-9A-Z]{26}$/)]);
  });
});

test('--retime: the time of sending as the timestamp, signed anew; all else stays', async () => {
  const endpoint = await startEndpoint(answers(200));
  const before = Date.now();
  await replay(await world(1), to(endpoint, '--retime'));
  const [seen] = endpoint.requests;
  if (seen === undefined) throw new Error('nothing came');
  const event = eventOf(seen);
  const at = Date.parse(event.timestamp as string);
  expect([at >= before, at <= Date.now()]).toEqual([true, true]);
  expect(event).toEqual({ ...JSON.parse(nthEvent(0)), timestamp: event.timestamp });
  expect(signatureResult(seen)).toBe('valid');
  expect(seen.header('X-MO-Event-Id')).toBe('ev_0');
});

describe('against a receiver of ours', () => {
  test('a replay is its duplicate; with --new-ids it is a suspected replay', async () => {
    const where = await world(2);
    const listen = await startListen([], { cwd: where.cwd, env: where.env });
    const kinds = async (...flags: string[]) => {
      const { code } = await replay(where, ['--kind', 'attempt', ...flags, '--to', listen.url]);
      return code;
    };
    expect([await kinds(), await kinds(), await kinds('--new-ids')]).toEqual([0, 0, 0]);
    await listen.stop();
    const lines = listen.io.out().split('\n');
    const seen = lines.filter((line) => line.includes('"receipt"')).map((line) => JSON.parse(line).duplicate);
    expect(seen.sort()).toEqual(
      [null, null, 'duplicate', 'duplicate', 'suspected_replay', 'suspected_replay'].sort(),
    );
  });

  test.each([[[]], [['--new-ids']], [['--retime']], [['--new-ids', '--retime']]])(
    'what a replay (%j) brought to it in the same log is not replayed the next time',
    async (flags) => {
      const where = await world(0, [{}, {}]);
      const listen = await startListen([], { cwd: where.cwd, env: where.env });
      const announced: (number | undefined)[] = [];
      for (let i = 0; i < 3; i++)
        announced.push((await replay(where, ['--to', listen.url, '--json', ...flags])).announced);
      await listen.stop();
      expect(announced).toEqual([2, 2, 2]);
    },
  );
});

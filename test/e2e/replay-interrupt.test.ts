import { afterEach, describe, expect, test, vi } from 'vitest';
import { answers, type Endpoint, startEndpoint } from '../helpers/endpoint.ts';
import { AT } from '../helpers/records.ts';
import {
  attemptsOf,
  countByEvent,
  eventIds,
  file,
  ioOf,
  nthIds,
  replay,
  to,
  world,
} from '../helpers/replay.ts';
import { untilSettled } from '../helpers/until-settled.ts';

afterEach(() => {
  vi.useRealTimers();
});

/** Answers the first requests at once, and none after them until it is told to. */
async function endpointThatPauses(after: number, status = 200) {
  const held: (() => void)[] = [];
  const state = { open: false };
  const endpoint = await startEndpoint((response, _, nth) => {
    const answer = (code: number) => response.writeHead(code).end();
    if (nth <= after || state.open) answer(200);
    else held.push(() => answer(status));
  });
  const goOn = () => {
    state.open = true;
    for (const answer of held) answer();
  };
  return { endpoint, goOn };
}

/** The command that the run told its user to go on with, as it stands there. */
function resumeCommand(err: string): string[] {
  const [, words] = /The rest is sent with: mo-notify replay (.*)/.exec(err) ?? [];
  return (words ?? '').split(' ');
}

function expectOnceEach(endpoint: Endpoint, count: number): void {
  const odd = [...countByEvent(endpoint)].filter(([, times]) => times !== 1);
  expect([odd, eventIds(endpoint).sort()]).toEqual([[], nthIds(count).sort()]);
}

test('E8 Ctrl-C in the middle of 1000: what is under way ends, how to go on, exit 130; the rest once each', async () => {
  const where = await world(1000);
  const { endpoint, goOn } = await endpointThatPauses(490);
  const io = ioOf(where);
  const running = replay(where, to(endpoint, '--concurrency', '8'), io);
  await endpoint.arrived(498);
  io.interrupt();
  goOn();
  const { code, run, attempts, summary } = await running;
  expect([code, endpoint.requests.length, attempts.length]).toEqual([130, 498, 498]);
  expect(summary).toMatchObject({ sent: 498, delivered: 498, failed: 0, run });
  expect(resumeCommand(io.err())).toEqual(['--resume', run]);
  expect((await attemptsOf(where, run)).map(({ outcome }) => outcome)).toEqual(Array(498).fill('delivered'));

  const rest = await replay(where, [...resumeCommand(io.err()), '--json']);
  expect([rest.code, rest.run, rest.announced]).toEqual([0, run, 502]);
  expect(rest.summary).toMatchObject({ sent: 502, delivered: 502 });
  expectOnceEach(endpoint, 1000);

  const again = await replay(where, ['--resume', run]);
  expect(again.code).toBe(2);
  expect(again.io.err()).toContain(`the replay ${run} came to its end`);
  expect(endpoint.requests).toHaveLength(1000);
});

test('stopped and gone on with, again and again: each event once', async () => {
  const where = await world(40);
  // Two are under way at once, so a run that is stopped at one may have sent the next one, too.
  const stops = [11, 13, 30];
  let io = ioOf(where);
  const endpoint = await startEndpoint((response, _, nth) => {
    if (stops.includes(nth)) io.interrupt();
    response.end();
  });
  const first = await replay(where, to(endpoint, '--concurrency', '2'), io);
  const codes = [first.code];
  for (let i = 0; i < 3; i++) {
    io = ioOf(where);
    codes.push((await replay(where, ['--resume', first.run], io)).code);
  }
  expect(codes).toEqual([130, 130, 130, 0]);
  expectOnceEach(endpoint, 40);
});

test('a file is gone on with where it was left', async () => {
  const where = await world();
  const rows = nthIds(20).map((id) => `${id},"{""call_id"":""${id}""}"`);
  file(where, 'log.csv', `event_id,body\n${rows.join('\n')}\n`);
  const io = ioOf(where);
  const endpoint = await startEndpoint((response, _, nth) => {
    if (nth === 7) io.interrupt();
    response.end();
  });
  const { run } = await replay(where, ['log.csv', ...to(endpoint, '--concurrency', '1')], io);
  expect(endpoint.requests).toHaveLength(7);
  expect((await replay(where, ['--resume', run])).code).toBe(0);
  expect(eventIds(endpoint)).toEqual(nthIds(20));
});

test('in a gap of the record: at once', async () => {
  const where = await world([{}, { sentAt: AT + 3_600_000 }]);
  const endpoint = await startEndpoint(answers(200));
  const io = ioOf(where);
  const running = replay(where, to(endpoint, '--speed', '1x'), io);
  await io.waitFor(/"kind":"attempt"/);
  io.interrupt();
  const { code, run } = await running;
  expect([code, eventIds(endpoint)]).toEqual([130, ['ev_0']]);
  expect((await replay(where, ['--resume', run])).code).toBe(0);
  expect(eventIds(endpoint)).toEqual(['ev_0', 'ev_1']);
});

test('for people: the summary, and how to go on', async () => {
  const where = await world(30);
  const io = ioOf(where);
  const endpoint = await startEndpoint((response, _, nth) => {
    if (nth === 5) io.interrupt();
    response.end();
  });
  const { code, run } = await replay(where, ['--to', endpoint.url.href, '--concurrency', '1'], io);
  expect(code).toBe(130);
  expect(io.err()).toMatch(/^run_\w+: 30 deliveries to http/);
  expect(io.out()).toContain('5 of 5 delivered');
  expect(io.err()).toContain(`Stopped. The rest is sent with: mo-notify replay --resume ${run}`);
});

describe('what waits for its retry at Ctrl-C', () => {
  test('goes on with its next attempt: same id, bytes and signature, never more than 4 in all', async () => {
    const where = await world(1);
    const endpoint = await startEndpoint(answers(503));
    const io = ioOf(where);
    const running = replay(where, ['--to', endpoint.url.href, '--backoff', '10m', '--json'], io);
    await io.waitFor(/"kind":"attempt"/);
    io.interrupt();
    const { code, run } = await running;
    expect(code).toBe(130);
    expect((await replay(where, ['--resume', run, '--backoff', '1ms'])).code).toBe(1);
    const seen = (name: string) => endpoint.requests.map(({ header }) => header(name));
    expect(seen('X-MO-Delivery-Attempt')).toEqual(['1', '2', '3', '4']);
    expect(new Set(seen('X-MO-Event-Id')).size).toBe(1);
    expect(new Set(seen('X-MO-Signature')).size).toBe(1);
  });

  test.each(['--new-ids', '--retime'])('keeps its id and bytes with %s, too', async (flag) => {
    const where = await world(1);
    const endpoint = await startEndpoint(answers(503, 200));
    const io = ioOf(where);
    const running = replay(where, ['--to', endpoint.url.href, '--backoff', '10m', '--json', flag], io);
    await io.waitFor(/"kind":"attempt"/);
    io.interrupt();
    const { run } = await running;
    expect((await replay(where, ['--resume', run])).code).toBe(0);
    const [first, second] = endpoint.requests;
    expect(second?.header('X-MO-Delivery-Attempt')).toBe('2');
    expect(second?.header('X-MO-Event-Id')).toBe(first?.header('X-MO-Event-Id'));
    expect(second?.body.toString()).toBe(first?.body.toString());
  });
});

test('what was under way at Ctrl-C and failed is sent again: its retries were not used up', async () => {
  const where = await world(6);
  const { endpoint, goOn } = await endpointThatPauses(2, 503);
  const io = ioOf(where);
  const running = replay(where, to(endpoint, '--concurrency', '2'), io);
  await endpoint.arrived(4);
  io.interrupt();
  goOn();
  const { code, run } = await running;
  expect([code, endpoint.requests.length]).toEqual([130, 4]);
  const rest = await replay(where, ['--resume', run, '--json']);
  const delivered = (await attemptsOf(where, run)).filter(({ outcome }) => outcome === 'delivered');
  expect(delivered.map(({ eventId }) => eventId).sort()).toEqual(nthIds(6));
  expect(rest.code).toBe(0);
});

test('an endpoint that never answers: given up after 5 s, on record as cut off, and sent again', async () => {
  const where = await world(3);
  const endpoint = await startEndpoint((response, _, nth) => {
    if (nth > 1) response.end();
  });
  const io = ioOf(where);
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const running = replay(where, to(endpoint, '--concurrency', '1'), io);
  await endpoint.arrived(1);
  io.interrupt();
  await vi.advanceTimersByTimeAsync(5000);
  // The attempt's record is committed a moment later.
  const { code, run, attempts } = await untilSettled(running);
  vi.useRealTimers();
  expect(code).toBe(130);
  expect(attempts).toMatchObject([{ event_id: 'ev_0', outcome: 'aborted', status: null }]);
  expect((await replay(where, ['--resume', run])).code).toBe(0);
  expect(eventIds(endpoint)).toEqual(['ev_0', 'ev_0', 'ev_1', 'ev_2']);
});

test('the command that is told works as it stands, where the log was named by a flag', async () => {
  const where = await world(4);
  const io = ioOf(where);
  const endpoint = await startEndpoint((response, _, nth) => {
    if (nth === 2) io.interrupt();
    response.end();
  });
  const flags = ['--store', where.store, '--concurrency', '1'];
  delete io.env.MO_NOTIFY_STORE;
  expect((await replay(where, to(endpoint, ...flags), io)).code).toBe(130);
  const later = ioOf(where);
  delete later.env.MO_NOTIFY_STORE;
  const { code } = await replay(where, resumeCommand(io.err()), later);
  expect([code, later.err().match(/no replay .*/)]).toEqual([0, null]);
  expectOnceEach(endpoint, 4);
});

import { expect, test } from 'vitest';
import { KILLED } from '../../src/core/record.ts';
import { startEndpoint } from '../helpers/endpoint.ts';
import { attemptsOf, countByEvent, nthIds, replay, world } from '../helpers/replay.ts';
import { kill, runOf, startReplay } from '../helpers/replay-process.ts';
import type { Running } from '../helpers/spawn-cli.ts';

const EVENTS = 10_000;
const KILLS = 10;
const CONCURRENCY = 16;
/** How many answered attempts may wait for the commit that they are gathered for (store/sqlite.ts). */
const GATHERED = 256;

/** Numbers from 0 to 1 that a failed test can be run with again. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 16_807) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

/** Fails a fifth of the attempts, none more than twice, and kills the sender as it answers one of them. */
async function flakyEndpoint(random: () => number) {
  const failures = new Map<string, number>();
  const successes = new Map<string, number>();
  const round = { sender: null as Running | null, left: Number.POSITIVE_INFINITY, answered: false };
  const endpoint = await startEndpoint((response, { header }) => {
    const id = header('X-MO-Event-Id') as string;
    const failed = failures.get(id) ?? 0;
    const fails = failed < 2 && random() < 0.2;
    if (fails) failures.set(id, failed + 1);
    else successes.set(id, (successes.get(id) ?? 0) + 1);
    round.left -= 1;
    const killed = round.left === 0 ? round.sender : null;
    if (killed !== null && !round.answered) kill(killed);
    response.writeHead(fails ? 503 : 200).end();
    if (killed !== null) kill(killed);
  });
  return { endpoint, successes, round };
}

test('a replay of 10,000, killed ten times at random and resumed, delivers all, and again only what was in the dark', async () => {
  const seed = 1 + Math.floor(Math.random() * 2e9);
  const random = seeded(seed);
  const where = await world(EVENTS);
  const { endpoint, successes, round } = await flakyEndpoint(random);
  const pace = ['--backoff', '5ms', '--concurrency', String(CONCURRENCY), '--json'];
  let args = ['--to', endpoint.url.href, '--yes', ...pace];
  let run = '';
  /** Of what was delivered on record when a process had been killed: how often the endpoint had been sent it by then. */
  const onRecord = new Map<string, number>();
  for (let killed = 0; killed < KILLS; killed++) {
    const sender = startReplay(where, args);
    Object.assign(round, { sender, left: 1 + Math.floor(random() * 1000), answered: random() < 0.5 });
    run = await runOf(sender);
    const { code } = await sender.ended;
    expect(code, `seed ${seed}`).toBeNull();
    await endpoint.idle();
    const counts = countByEvent(endpoint);
    for (const { eventId, outcome } of await attemptsOf(where, run))
      if (outcome === 'delivered' && !onRecord.has(eventId)) onRecord.set(eventId, counts.get(eventId) ?? 0);
    args = ['--resume', run, ...pace];
  }
  round.left = Number.POSITIVE_INFINITY;
  const last = await startReplay(where, args).ended;
  expect([last.code, last.err], `seed ${seed}`).toEqual([0, '']);

  const undelivered = nthIds(EVENTS).filter((id) => !successes.has(id));
  expect(undelivered, `seed ${seed}`).toEqual([]);
  const counts = countByEvent(endpoint);
  const sentAgain = [...onRecord].filter(([id, count]) => counts.get(id) !== count);
  expect(sentAgain, `seed ${seed}`).toEqual([]);

  const log = await attemptsOf(where, run);
  const delivered = new Set(
    log.filter(({ outcome }) => outcome === 'delivered').map(({ eventId }) => eventId),
  );
  expect(delivered.size).toBe(EVENTS);
  const unknown = new Set(log.filter(({ fault }) => fault === KILLED).map(({ eventId }) => eventId));
  const twice = [...successes].filter(([, count]) => count > 1).map(([id]) => id);
  expect(
    twice.filter((id) => !unknown.has(id)),
    `seed ${seed}`,
  ).toEqual([]);
  expect(twice.length, `seed ${seed}`).toBeLessThanOrEqual(KILLS * (CONCURRENCY + GATHERED));
  const again = await replay(where, ['--resume', run]);
  expect([again.code, again.io.err()]).toEqual([2, expect.stringContaining('came to its end')]);
});

import { join } from 'node:path';
import Database from 'libsql';
import { expect, onTestFinished, test } from 'vitest';
import { SECRET } from '../helpers/delivery.ts';
import { post } from '../helpers/raw-http.ts';
import { nth } from '../helpers/relay.ts';
import { BIN, start, tempFolder } from '../helpers/spawn-cli.ts';

const CLIENTS = 32;
/** A receiver is killed as soon as it has acknowledged this many, and the next one goes on with its store. */
const ROUNDS = [1, 40, 300];

test('E1 what a receiver has acknowledged outlives kill -9 under load, exactly once and whole', async () => {
  const cwd = tempFolder();
  const args = ['listen', '--port', '0', '--json', '--quiet', '--no-dashboard', '--store', 'deliveries.db'];
  const acknowledged: number[] = [];
  let sent = 0;
  for (const count of ROUNDS) {
    const listen = start(process.execPath, [BIN, ...args], { cwd, env: { MO_SECRET: SECRET } });
    const kill = () => void listen.child.kill('SIGKILL');
    onTestFinished(kill);
    const [, port] = await listen.waitFor(/"url":"http:\/\/127\.0\.0\.1:(\d+)"/);
    let left = count;
    const client = async () => {
      for (;;) {
        const number = sent++;
        const answer = await post(Number(port), nth(number)).catch(() => null);
        if (answer === null) return;
        expect(answer.status).toBe(200);
        acknowledged.push(number);
        left -= 1;
        if (left === 0) kill();
      }
    };
    await Promise.all(Array.from({ length: CLIENTS }, client));
    expect((await listen.ended).code).toBeNull();
  }

  const db = new Database(join(cwd, 'deliveries.db'));
  onTestFinished(() => void db.close());
  const kept = new Map<string, string[]>();
  for (const [id, body] of db.prepare('SELECT event_id, body FROM receipts').raw().all() as [
    string,
    Buffer,
  ][])
    kept.set(id, [...(kept.get(id) ?? []), Buffer.from(body).toString()]);
  expect(acknowledged.length).toBeGreaterThanOrEqual(ROUNDS.reduce((sum, count) => sum + count));
  const faulty = acknowledged.filter(
    (number) => kept.get(`ev_${number}`)?.join() !== nth(number).body.toString(),
  );
  expect(faulty).toEqual([]);
  expect(db.prepare('PRAGMA integrity_check').raw().all()).toEqual([['ok']]);
});

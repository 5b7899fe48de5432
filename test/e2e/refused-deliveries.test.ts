import { hash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { run } from '../../src/cli/main.ts';
import { receiptToJson } from '../../src/core/record.ts';
import { signPayload } from '../../src/core/signature.ts';
import { openStore } from '../../src/store/open.ts';
import { startWithPage } from '../helpers/dashboard-server.ts';
import { delivery, eventBody, SECRET } from '../helpers/delivery.ts';
import { answers, startEndpoint } from '../helpers/endpoint.ts';
import { post } from '../helpers/raw-http.ts';
import { collect, newReceipt, refusedReceipt } from '../helpers/records.ts';
import { eventIds } from '../helpers/replay.ts';
import { jsonLines, startListen, testIo } from '../helpers/test-io.ts';
import { call, fill, newStore } from '../helpers/varied-log.ts';

const env = { MO_SECRET: SECRET };
const BODY = eventBody({ caller_number: '+919876543210', padding: 'x'.repeat(9000) });
const SIGNATURE = signPayload(`${BODY}\n`, SECRET);
const CAUSE = 'it was made over the body and a trailing newline';
const SHA256 = hash('sha256', BODY, 'hex');

/** A store with one forged delivery, larger than what is kept of it, as `listen` records it. */
async function forgedStore(): Promise<string> {
  const location = newStore();
  const listen = await startListen(['--store', location], { env });
  await post(listen.port, delivery({ body: BODY, signature: SIGNATURE }));
  await listen.stop();
  expect(jsonLines(listen.io)[1]).toMatchObject({
    signature: 'mismatch',
    status: 400,
    body_bytes: BODY.length,
    body_sha256: SHA256,
    cause: CAUSE,
  });
  return location;
}

async function exported(location: string, ...flags: string[]): Promise<string> {
  return (await call(location, ['logs', 'export', '--with-bodies', '--show-numbers', ...flags])).out;
}

describe('G4 a refused delivery of which the beginning is kept', () => {
  test('is shown to be cut, with its cause and its hash', async () => {
    const { out } = await call(await forgedStore(), ['logs', 'show', 'ev_1']);
    expect(out).toContain(`${BODY.length} bytes, cut: the first 4096 are on record\n`);
    expect(out).toContain(` cause: ${CAUSE}\n`);
    expect(out).toContain(` body SHA-256 ${SHA256}\n`);
    expect(out).toContain(`\n  cut: the first 4096 of ${BODY.length} bytes are on record\n`);
    expect(out).toContain('+91******3210');
  });

  test('is shown after a good one of the same id, whose body is the event’s', async () => {
    const store = await fill(newStore(), async (open) => {
      await open.addReceipt(refusedReceipt({ body: BODY }));
      await open.addReceipt(newReceipt({ id: 'rc_2', body: 'the good one' }));
    });
    const { out } = await call(store, ['logs', 'show', 'ev_1']);
    expect(out).toContain('\n  the good one\n');
    expect(out).not.toContain('xxxx');
    expect(out).toContain(' cause: not searched\n');
  });

  test('is exported as what it is, and comes back from each format', async () => {
    const location = await forgedStore();
    const line = JSON.parse(await exported(location));
    expect(line).toMatchObject({
      body_cut: true,
      body_bytes: BODY.length,
      body_sha256: SHA256,
      cause: CAUSE,
    });
    expect(Buffer.from(line.body_base64, 'base64').toString()).toBe(BODY.slice(0, 4096));
    const bare = JSON.parse((await call(location, ['logs', 'export'])).out);
    expect(bare).not.toHaveProperty('body_cut');
    for (const format of ['ndjson', 'json', 'csv']) {
      const file = await exported(location, '--format', format);
      const copy = newStore();
      expect((await call(copy, ['logs', 'import', '-'], { stdin: file })).code).toBe(0);
      expect(await exported(copy), format).toBe(await exported(location));
    }
  });

  test('is not verified by its beginning: verify says so, and what was found when it arrived', async () => {
    const line = await exported(await forgedStore());
    const verify = async (saved: string, ...flags: string[]) => {
      const io = testIo({ env, stdin: saved });
      return { code: await run(['verify', '--delivery', '-', ...flags], io), out: io.out(), err: io.err() };
    };
    const { code, out, err } = await verify(line);
    expect([code, out]).toEqual([
      1,
      `mismatch  the body is cut: only the first 4096 of its ${BODY.length} bytes are on record. When it arrived: ${CAUSE}\n`,
    ]);
    expect(err).toBe(`Verify the whole body with --body and --signature. Its SHA-256 is ${SHA256}.\n`);
    expect(JSON.parse((await verify(line, '--json')).out)).toMatchObject({
      result: 'mismatch',
      body_cut: true,
    });
    const { cause: _, body_sha256: __, ...foreign } = JSON.parse(line);
    const other = await verify(JSON.stringify(foreign));
    expect(other.out).toMatch(/ bytes are on record\n$/);
    expect(other.err).toBe('Verify the whole body with --body and --signature.\n');
  });

  test('is inspected with its cause, and cannot be sent again', async () => {
    const app = await startEndpoint(answers(200));
    const { page, send } = await startWithPage([app.url.href]);
    expect(await send({ body: BODY, signature: SIGNATURE })).toBe(400);
    const inspected = (await page.ask('/api/deliveries/receipt/1')).json();
    expect(inspected).toMatchObject({
      row: { body_bytes: BODY.length, body_sha256: SHA256 },
      body_cut: true,
      body_base64: Buffer.from(BODY.slice(0, 4096)).toString('base64'),
      explanation: `I${CAUSE.slice(1)}.`,
    });
    for (const answer of [
      await page.post('/api/deliveries/receipt/1/resend'),
      await page.ask('/api/deliveries/receipt/1/curl'),
    ]) {
      expect(answer.status).toBe(422);
      expect(answer.json().error).toBe(
        'Only the beginning of its body is on record, so it cannot be sent again.',
      );
    }
    expect(app.connections()).toBe(0);
  });
});

test('E11 of another log, a delivery that stands for its event and is cut is refused by replay, with the reason', async () => {
  const endpoint = await startEndpoint(answers(200));
  const { body, headers, timestampMs, accepted, forwarding, ...about } = newReceipt();
  const receipt = { ...about, duplicate: null, forward: null, shownAt: null, bodyBytes: 10_000 };
  const line = { ...receiptToJson(receipt), body_base64: Buffer.from('cut').toString('base64'), headers: [] };
  const whole = { ...line, id: 'rc_2', event_id: 'ev_2', body_bytes: 3 };
  const file = `${JSON.stringify(line)}\n${JSON.stringify(whole)}\n`;
  const location = newStore();
  await call(location, ['logs', 'import', '-'], { stdin: file });
  for (const source of [[], ['-']]) {
    const args = ['replay', ...source, '--to', endpoint.url.href];
    const { code, err } = await call(location, args, { stdin: file, env });
    expect([source, code, err]).toEqual([source, 1, expect.any(String)]);
    expect(err).toContain(
      'mo-notify: 1 cannot be sent again, because only the beginning of their body is on record.\n',
    );
  }
  expect(eventIds(endpoint)).toEqual(['ev_2', 'ev_2']);
});

test('G4 a report counts refused deliveries that are not on record any more, as the dashboard does', async () => {
  const location = newStore();
  const store = await openStore(location, { refused: { rows: 2 } });
  for (let i = 0; i < 7; i++) await store.addReceipt(refusedReceipt({ id: `rc_${i}` }));
  expect(await collect(store.receipts({}))).toHaveLength(2);
  await store.close();
  const { out } = await call(location, ['report', '--json']);
  expect(JSON.parse(out).totals).toMatchObject({ receipts: 7, refused: 7 });
});

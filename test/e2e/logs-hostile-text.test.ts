import { beforeAll, describe, expect, test } from 'vitest';
import { AT, newAttempt, newReceipt } from '../helpers/records.ts';
import { onTerminal } from '../helpers/spawn-cli.ts';
import { call, fill, newStore } from '../helpers/varied-log.ts';

/** What a caller, an endpoint or an imported file may hold to do harm on a terminal. */
const HOSTILE: Record<string, string> = {
  'clears the screen': '\u001b[2J\u001b[H',
  'sets the clipboard': '\u001b]52;c;ZXZpbA==\u0007',
  'is a C1 control sequence': '\u009b31m\u009d0;evil\u009c',
  'overwrites the line': 'refused\r2026-01-31 12:00:00.000  sent  call_connected',
  'makes lines of its own':
    'a\n2026-01-31 12:00:00.000  sent  call_connected  [ev_1]  200\u2028b\u2029c\u000bd\u0085e',
  'makes columns of its own': 'a\tb | c\u00a0|d',
  'turns the text round': '\u202egnp.exe\u2066',
  'hides characters': 'a\u200b\u200d\u2060\ufeffb\u00ad',
  'stacks combining marks': `Z${'\u0301\u0489'.repeat(5000)}`,
  'is long': 'x'.repeat(20_000),
  'is long and wide': '📞'.repeat(5000),
  'beeps and deletes': '\u0007\u0008\u0008\u007f',
  'is half of a pair': 'a\ud800b',
  'holds NUL': 'a\0b',
};
const TEXTS = Object.values(HOSTILE);

let store: string;
beforeAll(async () => {
  store = await fill(newStore(), async (open) => {
    for (const [i, text] of TEXTS.entries()) {
      const shared = { eventId: text, event: text, callId: text };
      const body = JSON.stringify({
        event: text,
        call_id: text,
        caller_number: text,
        timestamp: new Date(AT).toISOString(),
        [text.slice(0, 300)]: text,
        metadata: { queue: text, recording_url: text },
      });
      for (const outcome of ['reset', 'delivered'] as const) {
        const sentAt = AT + i * 1000;
        const place = { endpoint: text, url: `https://crm.example.com/${text}`, run: text };
        const said = { error: text, replayOf: text, fault: outcome === 'reset' ? null : text, status: null };
        const attempt = newAttempt({ ...shared, ...place, ...said, id: text, outcome, sentAt });
        await open.addAttempt(attempt, Buffer.from(body));
      }
      const { seq } = await open.addReceipt(
        newReceipt({
          ...shared,
          id: text,
          secret: text,
          flags: [text, text],
          headers: [`X-${i}`, text.replaceAll(/[\0\n\ud800]/g, '')],
          receivedAt: AT + i * 1000 + 500,
          forwarding: true,
          body: i % 2 === 0 ? body : `${text}${body}`,
        }),
      );
      const forward = { status: null, durationMs: 1, error: text };
      await open.settleForward({ seqs: [seq], forward, status: 502, owed: false });
    }
  });
});

/** Nothing that a terminal would do anything with but show, in lines that stay near a row's usual width. */
function expectHarmless(text: string, width: number): void {
  expect(text.match(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cs}]/gu)?.filter((c) => c !== '\n') ?? []).toEqual([]);
  expect(text).not.toMatch(/\p{M}{3}/u);
  for (const line of text.split('\n')) expect(line.length).toBeLessThan(width);
}

describe('F1, F2 hostile text in every field', () => {
  test.each([
    ['list', ['list', '--limit', '1000']],
    ['list --show-numbers', ['list', '--limit', '1000', '--show-numbers']],
    ['tail', ['tail', '-n', '1000']],
  ])('of logs %s is harmless, and a record is a line', async (_, args) => {
    const { code, out, err } = await call(store, ['logs', ...args]);
    expect([code, err]).toEqual([0, '']);
    const lines = out.split('\n').slice(0, -1);
    expect(lines).toHaveLength(3 * TEXTS.length);
    for (const line of lines) expect(line).toMatch(/^2026-01-31 12:00:\d\d\.\d{3} {2}(?:sent|came) {2}/);
    expectHarmless(out, 500);
  });

  test.each(Object.entries(HOSTILE))('of logs show is harmless where it %s', async (_, text) => {
    const { code, out, err } = await call(store, ['logs', 'show', text]);
    expect([code, err]).toEqual([0, '']);
    expectHarmless(out, 2500);
    const withoutBody = (await call(store, ['logs', 'show', text, '--no-body'])).out;
    expectHarmless(withoutBody, 500);
    expect(withoutBody.match(/^ {2}2026-01-31 12:00:.{6} {2}.{10} {2}(?:sent|came) {2}/gm)).toHaveLength(3);
    expect(withoutBody.split('\n').slice(0, -1).length).toBeLessThan(20);
  });

  test.each([['list'], ['tail']])('of logs %s --json is escaped, and means the same', async (name) => {
    const flag = name === 'list' ? '--limit' : '-n';
    const { out } = await call(store, ['logs', name, '--json', '--show-numbers', flag, '1000']);
    expect(out).not.toMatch(/(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cs}]/u);
    const records = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(records).toHaveLength(3 * TEXTS.length);
    for (const key of ['id', 'event_id', 'event', 'call_id'])
      expect(new Set(records.map((record) => record[key])), key).toEqual(new Set(TEXTS));
    for (const text of TEXTS) {
      const shown = await call(store, ['logs', 'show', text, '--json']);
      expect(shown.out).not.toMatch(/(?!\n$)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cs}]/u);
      expect(JSON.parse(shown.out)).toMatchObject({ event_id: text, call: { call_id: text } });
    }
  });

  test('that is asked for and is nobody’s is harmless in the answer', async () => {
    const empty = await fill(newStore(), async () => {});
    for (const text of TEXTS) {
      const { code, out, err } = await call(empty, ['logs', 'show', text]);
      expect([code, out]).toEqual([1, '']);
      expectHarmless(err, 500);
      expect(err.split('\n')).toHaveLength(2);
    }
    for (const flag of ['--cursor', '--status', '--since', '--event', '--kind', '--limit']) {
      const { code, err } = await call(empty, ['logs', 'list', flag, `${TEXTS.slice(0, 8).join('')}`]);
      expect(code).toBe(2);
      expectHarmless(err, 2500);
    }
  });
});

test.skipIf(process.platform !== 'linux')('F1 a terminal gets nothing raw but the colours', async () => {
  const { code, out } = await onTerminal(
    `mo logs list --limit 1000 --store ${store} && mo logs tail -n 1000 --store ${store} && mo logs show "$(printf '\\033[2J\\033[H')" --store ${store}`,
    { columns: 100 },
  );
  expect(code).toBe(0);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  const plain = out.replaceAll(/\u001b\[\d{1,2}m/g, '').replaceAll('\r\n', '\n');
  expectHarmless(plain, 2500);
  expect(plain.match(/^2026-01-31 12:00:\d\d\.\d{3} {2}(?:sent|came) {2}/gm)).toHaveLength(6 * TEXTS.length);
});

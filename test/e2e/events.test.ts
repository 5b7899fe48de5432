import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { run } from '../../src/cli/main.ts';
import { EVENT_TYPES } from '../../src/core/event.ts';
import { testIo } from '../helpers/test-io.ts';

async function events(...args: string[]) {
  const io = testIo();
  const code = await run(['events', ...args], io);
  return { code, out: io.out(), err: io.err() };
}

test('events list names all five types, with what each means', async () => {
  const { code, out } = await events('list');
  const lines = out.trimEnd().split('\n');
  expect(lines.map((line) => line.split(/ {2,}/)[0])).toEqual([...EVENT_TYPES]);
  for (const line of lines) expect(line).toMatch(/^call_\w+ {2,}\S.+\.$/);
  expect(code).toBe(0);
  const asJson = JSON.parse((await events('list', '--json')).out) as Record<string, string>[];
  expect(asJson.map(({ event }) => event)).toEqual([...EVENT_TYPES]);
  expect(asJson.every(({ description }) => (description ?? '').length > 5)).toBe(true);
});

describe('events show', () => {
  test.each(['connected', 'call.connected', 'call_connected', 'Call-Connected'])(
    'takes the spelling %s',
    async (spelling) => {
      const { code, out } = await events('show', spelling);
      expect(code).toBe(0);
      expect(JSON.parse(out)).toMatchObject({ event: 'call_connected', call_id: 'MO123456789' });
    },
  );

  test('gives the documented keys in the order of the wire', async () => {
    const { out } = await events('show', 'connected', '--json');
    expect(out.split('\n')).toHaveLength(2);
    expect(Object.keys(JSON.parse(out) as object)).toEqual([
      'event',
      'call_id',
      'caller_number',
      'receiver_number',
      'direction',
      'timestamp',
      'duration_seconds',
      'metadata',
    ]);
  });

  test('an unknown type ends with 2, repeats it and suggests the nearest', async () => {
    const { code, out, err } = await events('show', 'conected');
    expect([code, out]).toEqual([2, '']);
    expect(err).toContain(`'conected' is not an event type. Did you mean 'call_connected'?`);
  });
});

test('every sample is valid by the schema that events schema prints, which wants three keys and no more', async () => {
  const { out } = await events('schema');
  const document = JSON.parse(out) as Record<string, unknown>;
  expect(document.$schema).toMatch(/2020-12/);
  expect(document.required).toEqual(['event', 'call_id', 'timestamp']);
  const schema = z.fromJSONSchema(document as Parameters<typeof z.fromJSONSchema>[0]);
  for (const type of EVENT_TYPES) {
    const sample: unknown = JSON.parse((await events('show', type)).out);
    expect(schema.safeParse(sample)).toMatchObject({ success: true });
  }
  const minimal = { event: 'call_connected', call_id: 'MO1', timestamp: '2025-07-21T12:45:00Z' };
  expect(schema.safeParse(minimal).success).toBe(true);
  expect(schema.safeParse({ ...minimal, more: 1, metadata: { other: [] } }).success).toBe(true);
  expect(schema.safeParse({ ...minimal, call_id: undefined }).success).toBe(false);
  expect(schema.safeParse({ ...minimal, direction: 'sideways' }).success).toBe(false);
});

test('events alone, or with a word it does not know, ends with 2', async () => {
  expect(await events()).toMatchObject({ code: 2, out: '' });
  const { code, err } = await events('shw');
  expect(code).toBe(2);
  expect(err).toMatch(/unknown command 'shw'\n\(Did you mean show\?\)/);
});

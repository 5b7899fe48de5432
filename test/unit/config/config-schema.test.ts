import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, test } from 'vitest';
import { configJsonSchema, parseConfig } from '../../../src/config/config.ts';

const FILE = join(import.meta.dirname, '../../../schema/config.schema.json');

test('schema/config.schema.json is what the config is checked by', () => {
  expect(JSON.parse(readFileSync(FILE, 'utf8'))).toEqual(configJsonSchema());
});

describe('the schema and the program agree', () => {
  const validate = new Ajv2020({ strict: true, validateFormats: false }).compile(configJsonSchema());
  const one = (endpoint: object) => ({ endpoints: { a: endpoint } });
  const url = 'https://a.example/';

  test.each([
    [{}, true],
    [{ $schema: 'x', endpoints: {} }, true],
    [one({ url, secret: 'env:A' }), true],
    [one({ url, secret: 'file:a', events: ['call_missed'], retries: 0, timeout: '1s', queues: ['x'] }), true],
    [one({ url }), false],
    [one({ url, secret: 'plain' }), false],
    [one({ url, secret: 'env:A', events: [] }), false],
    [one({ url, secret: 'env:A', events: ['connected'] }), false],
    [one({ url, secret: 'env:A', retries: 101 }), false],
    [one({ url, secret: 'env:A', surplus: 1 }), false],
    [{ endpoints: { '3000': { url, secret: 'env:A' } } }, false],
    [{ endpoint: {} }, false],
  ])('%j: %s', (config, right) => {
    expect(validate(config)).toBe(right);
    const parse = () => parseConfig(JSON.stringify(config), 'x.json');
    if (right) expect(parse()).toMatchObject({ endpoints: {} });
    else expect(parse).toThrow(/^x\.json:1: /);
  });
});

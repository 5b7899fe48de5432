import { describe, expect, test } from 'vitest';
import { parseConfig } from '../../../src/config/config.ts';

const one = (settings: object) =>
  JSON.stringify({ endpoints: { a: { url: 'https://a.example/', secret: 'env:A', ...settings } } });

function messageOf(text: string): string {
  try {
    parseConfig(text, 'x.json');
  } catch (error) {
    return (error as Error).message;
  }
  return 'no error';
}

test.each([
  ['{ "endpoints": { "a": { "url": "https://a.example/" } } }', 'endpoints.a.secret: is missing.'],
  ['{ "endpoints": { "a": { "secret": "env:A" } } }', 'endpoints.a.url: is missing.'],
  ['{ "endpoint": {} }', "endpoint: is not known here. Did you mean 'endpoints'? Known: $schema, endpoints."],
  [
    one({ retrys: 1 }),
    "endpoints.a.retrys '1': is not known here. Did you mean 'retries'? Known: url, secret, prev",
  ],
  [one({ retries: 'three' }), "endpoints.a.retries 'three': a whole number is wanted here."],
  [one({ retries: 1.5 }), "endpoints.a.retries '1.5': a whole number is wanted here."],
  [one({ retries: 101 }), "endpoints.a.retries '101': is too large; the most is 100."],
  [one({ retries: -1 }), "endpoints.a.retries '-1': is too small; the least is 0."],
  [one({ events: 'call_missed' }), "endpoints.a.events 'call_missed': a list in [ ] is wanted here."],
  [
    one({ events: ['call_mised'] }),
    "endpoints.a.events.0 'call_mised': is not known. Did you mean 'call_missed'?",
  ],
  [one({ events: [] }), 'endpoints.a.events: is empty. Name at least one, or leave it out.'],
  [one({ queues: [''] }), "endpoints.a.queues.0 '': is empty."],
  [one({ queues: {} }), 'endpoints.a.queues: a list in [ ] is wanted here, not an object.'],
  [
    one({ numbers: ['foo'] }),
    "endpoints.a.numbers.0 'foo': is not a phone number. Write it like +919876543210.",
  ],
  [one({ timeout: 30 }), "endpoints.a.timeout '30': a text in double quotes is wanted here."],
  [one({ timeout: '0s' }), 'leaves no time for an answer. Write one above 0: 500ms, 30s.'],
  [one({ previous_secret_until: 'soon' }), "'soon': is not a time. Write it like 2026-01-31T12:00:00Z."],
  ['{ "endpoints": { "3000": {} } }', 'endpoints.3000: is not a name: letters, digits, - and _.'],
  ['{ "endpoints": [] }', 'endpoints: an object in { } is wanted here, not a list.'],
  ['[]', 'the config: an object in { } is wanted here, not a list.'],
  ['null', "the config 'null': an object in { } is wanted here."],
])('%j: %s', (text, message) => {
  expect(messageOf(text)).toMatch(/^x\.json:1: /);
  expect(messageOf(text)).toContain(message);
});

test.each([
  ['', 'it is empty; write {}'],
  ['{ "endpoints": {}', 'a closing } is missing'],
  ['{ "endpoints" {} }', 'a colon is missing'],
  ['{ "$schema": "x" "endpoints": {} }', 'a comma is missing'],
  ['{ "endpoints": }', 'a value is missing'],
  ["{ 'endpoints': {} }", 'a word that is not true, false or null; texts stand in double quotes'],
  ['{ "endpoints": {} } {}', 'something stands behind the last }'],
  ['{ "endpoints": {} /* }', 'a comment without its closing */'],
  ['{ "endpoints: {} }', 'a text without its closing quote'],
])('%j is not JSON: %s', (text, why) => {
  expect(messageOf(text)).toBe(`x.json:1: not JSON: ${why}.`);
});

describe('no user or password of a URL is shown', () => {
  test.each([
    'https://me:s3cret@a.example/',
    'http://me:s3cret@a.example/',
    'ftp://me:s3cret@a.example/',
    'https://me:s3/cret@a.example/',
    'https://me:s3cret@a b.example/',
    'https:me:s3cret@a.example/',
    'me:s3cret@a.example',
    '//me:s3cret@a.example/',
  ])('%s', (url) => {
    expect(messageOf(one({ url }))).not.toMatch(/s3|cret@|no error/);
    expect(messageOf(one({ timeout: url }))).not.toMatch(/ '[^']*s3/);
    expect(messageOf(`{ "endpoints": { ${JSON.stringify(url)}: {} } }`)).not.toMatch(/s3|cret@|no error/);
  });
});

test('a number in a message is masked', () => {
  expect(messageOf(one({ numbers: ['9123456780 or so'] }))).not.toContain('9123456780');
});

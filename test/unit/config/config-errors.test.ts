import { describe, expect, test } from 'vitest';
import { findEndpoint, parseConfig } from '../../../src/config/config.ts';

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

describe('G13 a config that would upset who reads it', () => {
  const SOUND = '{ "url": "https://a.example/", "secret": "env:X" }';

  test.each([
    ['lists', '['.repeat(100_000)],
    ['objects', '{"endpoints":'.repeat(100_000)],
    ['both, closed again', `{"endpoints":\n${'[{"a":'.repeat(50_000)}1${'}]'.repeat(50_000)}}`],
    ['below a value that is none', `{"endpoints": {"a": ${'['.repeat(33)}`],
  ])('%s nested 100,000 deep: the line, in words', (_, text) => {
    const line = text.indexOf('\n') < 0 ? 1 : 2;
    expect(() => parseConfig(text, 'c.json')).toThrow(
      `c.json:${line}: nested more than 32 deep. A config needs four levels.`,
    );
  });

  test('brackets in texts and comments are no nesting', () => {
    const text = `// ${'{'.repeat(99)}\n{ /* ${'['.repeat(99)} */ "$schema": "${'{'.repeat(99)}" }`;
    expect(parseConfig(text, 'c.json')).toMatchObject({ endpoints: {} });
  });

  test.each([
    ['an endpoint', `{\n"endpoints": {\n"__proto__": ${SOUND} } }`, 3],
    ['an endpoint, escaped', `{ "endpoints": { "\\u005f_proto__": ${SOUND} } }`, 1],
    ['a setting', `{ "endpoints": { "a": { "__proto__": { "retries": 9 }, ${SOUND.slice(1)} } }`, 1],
    ['the whole', `{ "__proto__": { "endpoints": { "a": ${SOUND} } } }`, 1],
  ])('%s called __proto__ is refused in words, and pollutes nothing', (_, text, line) => {
    expect(() => parseConfig(text, 'c.json')).toThrow(
      `c.json:${line}: '__proto__' is not a name. Choose another.`,
    );
    expect(Object.hasOwn(Object.prototype, 'url') || Object.hasOwn(Object.prototype, 'retries')).toBe(false);
  });

  test.each(['constructor', 'toString', 'hasOwnProperty', 'valueOf', 'prototype'])(
    'an endpoint called %s is one like any other, and none where it is not there',
    (name) => {
      const config = parseConfig(`{ "endpoints": { "${name}": ${SOUND} } }`, 'c.json');
      expect(findEndpoint(config, name, 'c.json').url).toBe('https://a.example/');
      expect(() => findEndpoint(parseConfig('{}', 'c.json'), name, 'c.json')).toThrow('is no endpoint');
    },
  );
});

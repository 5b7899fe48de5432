import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createContext } from '../../../src/cli/context.ts';
import { PLAIN } from '../../../src/cli/style.ts';
import { resolveTarget, type Target } from '../../../src/cli/target.ts';
import { UsageError } from '../../../src/core/errors.ts';
import { isLoopback } from '../../../src/core/loopback.ts';
import { type TestIo, testIo } from '../../helpers/test-io.ts';

const CONFIG = {
  endpoints: {
    prod: { url: 'https://example.com/notify?key=env:PROD_KEY', secret: 'env:A' },
    staging: { url: 'https://staging.example.com/notify', secret: 'env:A' },
  },
};

/** A folder whose config has two endpoints. */
function configured(env: Record<string, string> = {}): TestIo {
  const io = testIo({ env });
  writeFileSync(join(io.cwd, 'mo-notify.config.json'), JSON.stringify(CONFIG));
  return io;
}

function resolve(text: string, io: TestIo = testIo(), options = {}): Promise<Target> {
  return resolveTarget(createContext(io, options, PLAIN), text);
}

/** The message of the UsageError that a target is answered with. */
async function refusal(text: string, io?: TestIo, options = {}): Promise<string> {
  const error = await resolve(text, io, options).then(
    () => null,
    (reason) => reason,
  );
  expect(error).toBeInstanceOf(UsageError);
  return (error as UsageError).message;
}

describe('a target', () => {
  test.each([
    ['3000', 'http://127.0.0.1:3000/'],
    ['1', 'http://127.0.0.1:1/'],
    ['65535', 'http://127.0.0.1:65535/'],
    [':3000', 'http://127.0.0.1:3000/'],
    ['3000/', 'http://127.0.0.1:3000/'],
    ['3000/notify', 'http://127.0.0.1:3000/notify'],
    [':3000/notify/now', 'http://127.0.0.1:3000/notify/now'],
    ['3000?a=1', 'http://127.0.0.1:3000/?a=1'],
    [':3000/notify?a=1&b', 'http://127.0.0.1:3000/notify?a=1&b'],
    ['localhost:3000', 'http://localhost:3000/'],
    ['LocalHost:3000/notify', 'http://localhost:3000/notify'],
    ['localhost:3000/notify?a=1', 'http://localhost:3000/notify?a=1'],
    ['127.0.0.1:3000/notify', 'http://127.0.0.1:3000/notify'],
    ['[::1]:3000/notify', 'http://[::1]:3000/notify'],
    ['http://127.0.0.1:3000/notify', 'http://127.0.0.1:3000/notify'],
    ['https://example.com/hook?a=1', 'https://example.com/hook?a=1'],
    ['https://example.com/hook?a=1#top', 'https://example.com/hook?a=1'],
    ['HTTPS://EXAMPLE.com', 'https://example.com/'],
    ['http://2130706433/', 'http://127.0.0.1/'],
    ['staging', 'https://staging.example.com/notify'],
  ])('%s is %s', async (text, url) => {
    expect((await resolve(text, configured())).url.href).toBe(url);
  });

  test('that is a name brings what the config says of the endpoint', async () => {
    const { name, endpoint } = await resolve('staging', configured());
    expect([name, endpoint]).toEqual(['staging', CONFIG.endpoints.staging]);
  });

  test('of the form of a name is a name alone, whatever else it looks like', async () => {
    expect(await refusal('localhost', configured())).toContain("'localhost' is not a target.");
  });

  test.each(['0', '65536', '99999999999999999999', ':0/notify', 'localhost:65536/notify'])(
    '%s has a port that is none',
    async (text) => {
      expect(await refusal(text)).toMatch(/^'\d+' is not a port\. Ports go from 1 to 65535\.$/);
    },
  );
});

const FORMS =
  'a URL (https://example.com/notify), a port (3000), or a port or local host with a path (3000/notify, localhost:3000/notify).';

describe('what is no target', () => {
  test.each(['', 'nowhere', '-1', '30 00', 'http://', 'http://exa mple.com/', '//example.com', '3000 /x'])(
    '%j is answered with all the forms, and the names that there are',
    async (text) => {
      expect(await refusal(text)).toBe(
        `'${text}' is not a target. A target is an endpoint's name (none registered yet), ${FORMS}`,
      );
      expect(await refusal(text, configured())).toBe(
        `'${text}' is not a target. A target is an endpoint's name (prod, staging), ${FORMS}`,
      );
    },
  );

  test.each([
    ['prodd', 'prod'],
    ['Staging', 'staging'],
    ['stag', 'staging'],
  ])('%s is answered with the nearest name, %s', async (text, name) => {
    expect(await refusal(text, configured())).toContain(
      `'${text}' is not a target. Did you mean '${name}'? A target is`,
    );
  });

  test.each([
    ['file:///etc/passwd', 'file:'],
    ['ftp://example.com/', 'ftp:'],
    ['javascript:alert(1)', 'javascript:'],
    ['data:text/plain,x', 'data:'],
    ['ws://example.com/', 'ws:'],
  ])('D13 %s is refused for its scheme', async (text, scheme) => {
    const message = await refusal(text);
    expect(message).toContain(
      `'${text}' is not a target: deliveries go over https: or http:, not '${scheme}'. A target is`,
    );
    expect(message).toContain(FORMS);
  });

  test.each(['example.com:8080', 'example.com:8080/notify', 'example.com:8080/notify?key='])(
    '%s lacks a scheme, and the hint supplies it',
    async (text) => {
      expect(await refusal(text)).toContain(`Did you mean 'http://${text}'?`);
    },
  );

  test('a config that was named and is not there is the mistake, where a name is meant', async () => {
    expect(await refusal('prod', testIo(), { config: 'none.json' })).toMatch(
      /--config: .*none\.json does not exist/,
    );
    expect((await resolve('3000', testIo(), { config: 'none.json' })).url.port).toBe('3000');
  });

  test('a mistake in the config does not stand in for one in the target', async () => {
    const io = testIo();
    writeFileSync(join(io.cwd, 'mo-notify.config.json'), '{');
    expect(await refusal('ftp://example.com/', io)).toContain('is not a target');
    expect(await refusal('prod', io)).toContain('not JSON');
  });
});

test.each([
  'https://user:hunter2@example.com/',
  'https://hunter2@example.com/',
  'https://:hunter2@example.com/',
  'https://user:hunter2@exa mple.com/',
  'https://user:hunter2@example.com:99999/',
  'https://user:hun/ter@hunter2@[::bad/',
  'ftp://user:hunter2@example.com/',
  'user:hunter2@example.com',
  'https://user:hunter2?@exa mple.com/',
  'https://exa mple.com/?key=hunter2',
  'ftp://example.com/?key=hunter2#hunter2',
  'example.com:8080/notify?key=hunter2',
  'example.com:8080/notify?hunter2',
  '0/notify?key=hunter2',
  ':99999/notify?key=hunter2',
  'nowhere?key=hunter2',
  'localhost/notify?a=1&key=hunter2',
])('D13 what may be secret in %s is not repeated', async (text) => {
  expect(await refusal(text, configured())).not.toMatch(/hunter2|hunt/);
});

describe('a value in the query', () => {
  test('comes from a variable, percent-encoded, and is shown masked', async () => {
    const io = configured({ PROD_KEY: 'a b&c=%/é"$', OTHER: 'x' });
    const target = await resolve('prod', io);
    expect(target.url.href).toBe('https://example.com/notify?key=a%20b%26c%3D%25%2F%C3%A9%22%24');
    expect(target.url.searchParams.get('key')).toBe('a b&c=%/é"$');
    expect(target.shown).toBe('https://example.com/notify?key=***');
    expect(target.written).toBe('https://example.com/notify?key=env:PROD_KEY');
    const typed = await resolve('3000/notify?a=env:OTHER&b=&env:OTHER&c=env:OTHER', io);
    expect(typed.url.href).toBe('http://127.0.0.1:3000/notify?a=x&b=&x&c=x');
    expect(typed.shown).toBe('http://127.0.0.1:3000/notify?a=***&b=&***&c=***');
    expect(io.err()).toBe('');
  });

  test.each(['prefix-env:OTHER', 'env:', 'env:1', 'env:A-B', 'ENV:OTHER', 'env%3AOTHER'])(
    'is meant as it is where it is no reference: %s',
    async (value) => {
      const { url } = await resolve(`3000/?key=${value}`, testIo({ env: { OTHER: 'x', A: 'x' } }));
      expect(url.href).toBe(`http://127.0.0.1:3000/?key=${value}`);
    },
  );

  test.each([{}, { PROD_KEY: '' }])(
    'of a variable that is not set (%j) is a mistake that names it',
    async (env) => {
      const says = "The target's value of 'key' is in the variable PROD_KEY, which is not set.";
      expect(await refusal('prod', configured(env as Record<string, string>))).toBe(says);
      expect(await refusal('3000/?key=env:PROD_KEY')).toBe(says);
    },
  );

  test('that stands on the command line is taken, with a hint to a variable', async () => {
    const io = testIo();
    const target = await resolve('https://example.com/?a=env:A&key=hunter2', testIo({ env: { A: 'x' } }));
    expect(target.url.href).toBe('https://example.com/?a=x&key=hunter2');
    expect(target.shown).toBe('https://example.com/?a=***&key=***');
    await resolve('3000?key=hunter2', io);
    expect(io.err()).toContain("'?key=env:NAME' takes one from a variable instead.");
    expect(io.err()).not.toContain('hunter2');
  });

  test.each(['https://example.com/notify?key=***', '3000/notify?a=1&key=***'])(
    'masked, as the log has it, is nothing to send to: %s',
    async (text) => {
      expect(await refusal(text)).toBe(
        "The target's value of 'key' is masked (***), as the log has it, so nothing can be sent there. Use the endpoint's name, or write the value as ?key=env:NAME.",
      );
    },
  );
});

describe('isLoopback', () => {
  test.each([
    'http://127.0.0.1:3000/',
    'http://127.1.2.3/',
    'http://localhost/',
    'http://LOCALHOST:1/',
    'http://[::1]/',
    'http://0x7f000001/',
    'http://127。0。0。1/',
  ])('%s is this machine', (url) => {
    expect(isLoopback(new URL(url))).toBe(true);
  });

  test.each([
    'http://127.evil.example/',
    'http://127.0.0.1.evil.example/',
    'http://localhost.evil.example/',
    'http://evil-localhost/',
    'http://128.0.0.1/',
    'http://10.0.0.1/',
    'http://0.0.0.0/',
    'http://[::]/',
    'http://[::ffff:127.0.0.1]/',
    'https://example.com/?localhost',
  ])('%s is not', (url) => {
    expect(isLoopback(new URL(url))).toBe(false);
  });
});

import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { run } from '../../src/cli/main.ts';
import { verifySignature } from '../../src/core/signature.ts';
import { answers, startEndpoint } from '../helpers/endpoint.ts';
import { jsonLines, testIo } from '../helpers/test-io.ts';

type Env = Record<string, string>;

/** Runs commands one after the other in a folder of their own. */
function project(env: Env = {}) {
  const { cwd } = testIo();
  const config = join(cwd, 'mo-notify.config.json');
  return {
    cwd,
    config,
    text: () => readFileSync(config, 'utf8'),
    write: (text: string) => writeFileSync(config, text),
    async run(...argv: string[]) {
      const io = testIo({ cwd, env });
      const code = await run(argv, io);
      return { code, out: io.out(), err: io.err(), json: () => jsonLines(io)[0] as Record<string, unknown> };
    },
  };
}

describe('endpoints add', () => {
  test('registers an endpoint, makes its secret, shows it once and keeps it at 0600', async () => {
    const at = project();
    const { code, out } = await at.run(
      'endpoints',
      'add',
      'prod',
      'https://example.com/notify',
      '-e',
      'missed',
    );
    expect(code).toBe(0);
    const secret = /secret: (mosec_\S+)/.exec(out)?.[1] as string;
    const file = join(at.cwd, '.mo-notify/secrets/prod');
    expect(readFileSync(file, 'utf8')).toBe(`${secret}\n`);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(at.text()).not.toContain(secret);
    expect(JSON.parse(at.text())).toEqual({
      endpoints: {
        prod: {
          url: 'https://example.com/notify',
          secret: 'file:.mo-notify/secrets/prod',
          events: ['call_missed'],
        },
      },
    });
    expect((await at.run('endpoints', 'list')).out).toMatch(
      /prod {2}https:\/\/example\.com\/notify {2}call_missed/,
    );
    expect((await at.run('endpoints', 'show', 'prod')).out).not.toContain(secret);
  });

  test('takes plain http, and says that it may be blocked unless that is permitted', async () => {
    const at = project();
    const told =
      /Plain http to a public address is blocked\. Use an https URL, or permit it with --allow-http/;
    const settings = (name: string) => JSON.parse(at.text()).endpoints[name] as Record<string, unknown>;
    expect((await at.run('endpoints', 'add', 'a', 'http://a.example/')).err).toMatch(told);
    expect(settings('a')).not.toHaveProperty('allow_http');
    expect((await at.run('endpoints', 'add', 'b', 'http://a.example/', '--allow-http')).err).not.toMatch(
      told,
    );
    expect(settings('b')).toMatchObject({ allow_http: true });
    expect((await at.run('endpoints', 'add', 'c', 'http://127.0.0.1:3000/')).err).not.toMatch(told);
    expect((await at.run('endpoints', 'update', 'a', '--allow-http')).code).toBe(0);
    expect(settings('a')).toMatchObject({ allow_http: true });
    expect((await at.run('endpoints', 'show', 'a')).out).toMatch(/allow_http +true/);
    const back = await at.run('endpoints', 'update', 'b', '--no-allow-http', '--url', 'http://b.example/');
    expect(back.err).toMatch(told);
    expect(settings('b')).not.toHaveProperty('allow_http');
  });

  test('takes a value of the URL from a variable, and hints at that where it stands in clear', async () => {
    const at = project();
    const variable = 'https://example.com/notify?key=env:KEY';
    const { out, err } = await at.run('endpoints', 'add', 'prod', variable);
    expect(out).toContain(`added prod  ${variable}`);
    expect(err).not.toContain('env:NAME');
    const clear = 'https://example.com/notify?key=hunter2';
    const hints = [
      await at.run('endpoints', 'add', 'clear', clear),
      await at.run('endpoints', 'update', 'prod', '--url', clear),
      await project().run('init', '--url', clear),
    ];
    for (const one of hints) {
      expect(one.err).toContain(
        "The URL's values are in the config file. '?key=env:NAME' takes one from a variable instead.",
      );
      expect(one.out + one.err).not.toContain('hunter2');
    }
    expect(at.text()).toContain(clear);
    expect((await at.run('endpoints', 'list')).out).toContain('https://example.com/notify?key=***');
  });

  test.each([
    [['prod', 'https://example.com/?key=***'], /has a masked value\. Write it as \?key=env:NAME/],
    [['prod', 'ftp://example.com/'], /is not https/],
    [['prod', 'https://me:pw@example.com/'], /carries a user or password/],
    [['3000', 'https://example.com/'], /is not a name/],
    [['../up', 'https://example.com/'], /is not a name/],
    [['__proto__', 'https://example.com/'], /is not a name/],
    [['prod', 'https://example.com/', '-e', 'conected'], /Did you mean 'call_connected'/],
    [['prod', 'https://example.com/', '--backoff', 'soon'], /soon/],
    [['prod', 'https://example.com/', '--timeout', '0s'], /--timeout: '0s' leaves no time for an answer/],
    [['prod', 'https://example.com/', '--number', 'foo'], /--number: 'foo' is not a phone number\. Write/],
    [
      ['prod', 'https://example.com/', '--secret-file', 'none.txt'],
      /--secret-file: .*none\.txt is not there/,
    ],
    [['prod', 'https://example.com/', '--secret-env', 'A-B'], /'A-B' is not a variable's name/],
    [
      ['prod', 'https://example.com/', '--secret-env', 'A', '--secret-stdin'],
      /one of --secret-env, --secret/,
    ],
    [
      ['prod', 'https://example.com/', '--secret-env', 'A', '--secret-env', 'B'],
      /An endpoint has one secret/,
    ],
    [['prod', 'me:pw@example.com'], /is not https/],
    [['prod', 'https://me:pw@exa mple.com'], /'https:\/\/\*\*\*@exa mple.com' is not a URL/],
  ])('%j: exit 2, nothing written', async (words, why) => {
    const at = project();
    const { code, err } = await at.run('endpoints', 'add', ...words);
    expect([code, err]).toEqual([2, expect.stringMatching(why)]);
    expect(err).not.toContain('pw@');
    expect(existsSync(at.config)).toBe(false);
  });

  test('a secret file is named as seen from the working folder, and read as seen from the config', async () => {
    const at = project();
    mkdirSync(join(at.cwd, 'sub'));
    writeFileSync(join(at.cwd, 'sub/secret.txt'), 'a secret of mine\n');
    at.write('{}');
    const io = testIo({ cwd: join(at.cwd, 'sub') });
    const added = ['endpoints', 'add', 'prod', 'https://a.example/', '--secret-file', './secret.txt'];
    expect(await run(added, io)).toBe(0);
    expect(at.text()).toContain('"secret": "file:sub/secret.txt"');
    const sign = testIo({ cwd: at.cwd, stdin: '{}' });
    expect(await run(['sign', '--body', '-', '--endpoint', 'prod'], sign)).toBe(0);
  });

  test('numbers are kept as digits, and list shows what an endpoint gets, numbers masked', async () => {
    const at = project();
    const filters = ['--number', '+91 98765 43210', '--number', '98765-43210', '--queue', 'Sales'];
    expect((await at.run('endpoints', 'add', 'a', 'https://a.example/', ...filters)).code).toBe(0);
    expect(JSON.parse(at.text())).toMatchObject({
      endpoints: { a: { numbers: ['+919876543210', '9876543210'] } },
    });
    expect((await at.run('endpoints', 'list')).out).toContain(
      'all events; numbers +91******3210, 98****3210; queues Sales',
    );
    expect((await at.run('endpoints', 'list', '--show-numbers')).out).toContain('numbers +919876543210, 9');
    expect((await at.run('endpoints', 'update', 'a', '--timeout', '0ms')).code).toBe(2);
    expect((await at.run('endpoints', 'update', 'a', '--number', '')).code).toBe(0);
    expect(at.text()).not.toContain('numbers');
  });

  test('http is allowed on this machine, and a name only once', async () => {
    const at = project();
    expect((await at.run('endpoints', 'add', 'dev', 'http://127.0.0.1:3000/')).code).toBe(0);
    const again = await at.run('endpoints', 'add', 'dev', 'http://127.0.0.1:3000/');
    expect([again.code, again.err]).toEqual([2, expect.stringContaining("'dev' is there already")]);
  });
});

describe('the config file', () => {
  const COMMENTED = `{
  // ours
  "endpoints": {
    "b": { "url": "https://b.example/", "secret": "env:B" }, // keep
    "a": { "url": "https://a.example/", "secret": "env:A" },
  }
}
`;

  test('keeps its comments and order when it is changed', async () => {
    const at = project();
    at.write(COMMENTED);
    expect((await at.run('endpoints', 'update', 'b', '--retries', '1', '--queue', 'Sales')).code).toBe(0);
    expect(at.text()).toContain('// ours');
    expect(at.text()).toContain('// keep');
    expect(at.text().indexOf('"b"')).toBeLessThan(at.text().indexOf('"a"'));
    expect((await at.run('endpoints', 'show', 'b', '--json')).json()).toMatchObject({
      retries: 1,
      queues: ['Sales'],
    });
    expect((await at.run('endpoints', 'update', 'b', '--queue', '')).code).toBe(0);
    expect((await at.run('endpoints', 'show', 'b', '--json')).json()).not.toHaveProperty('queues');
    expect((await at.run('endpoints', 'remove', 'a')).code).toBe(0);
    expect((await at.run('endpoints', 'add', 'c', 'https://c.example/')).code).toBe(0);
    expect(at.text()).toMatch(/^ {4}"b": .*\}, \/\/ keep$/m);
    expect((await at.run('endpoints', 'remove', 'b')).code).toBe(0);
    expect((await at.run('endpoints', 'list', '--json')).out).not.toContain('b.example');
    expect(at.text()).toContain('// ours');
  });

  test.each([
    ['{ "endpoints": ', /config\.json:1: not JSON/],
    ['{\n "endpoint": {} }', /config\.json:2: endpoint: is not known here/],
    ['{ "endpoints": { "a": { "url": "https://a.example/" } } }', /endpoints\.a.*secret/],
    [
      '{ "endpoints": {\n "a": {\n "url": "https://a.example/",\n "secret": "S3CR3T-canary" } } }',
      /:4: endpoints\.a\.secret: is not a reference.*env:NAME or file:PATH/,
    ],
    [
      '{ "endpoints": { "a": { "url": "ftp://a.example/", "secret": "env:A" } } }',
      /endpoints\.a\.url 'ftp:\/\/a\.example\/': .*is not https/,
    ],
    [
      '{ "endpoints": { "a": { "url": "https://a.example/", "secret": "env:A", "retries": -1 } } }',
      /endpoints\.a\.retries '-1'/,
    ],
  ])('%j: exit 2, naming the place, and no secret', async (text, why) => {
    const at = project();
    at.write(text);
    const { code, err } = await at.run('endpoints', 'list');
    expect([code, err]).toEqual([2, expect.stringMatching(why)]);
    expect(err).not.toContain('canary');
    expect(at.text()).toBe(text);
  });

  test.each([
    ['list'],
    ['show', 'a'],
    ['update', 'a', '--retries', '1'],
    ['remove', 'a'],
    ['rotate-secret', 'a'],
  ])('one that is named and is not there: %s: exit 2', async (...words) => {
    const at = project();
    const { code, err } = await at.run('endpoints', ...words, '--config', 'other.json');
    expect([code, err]).toEqual([2, expect.stringMatching(/--config: .*other\.json is not there/)]);
    expect(readdirSync(at.cwd)).toEqual([]);
  });

  test('a symbolic link is refused', async () => {
    const [at, other] = [project(), project()];
    other.write('{ "endpoints": {} }');
    symlinkSync(other.config, at.config);
    const { code, err } = await at.run('endpoints', 'add', 'a', 'https://a.example/');
    expect([code, err]).toEqual([3, expect.stringContaining('symbolic link')]);
    expect(other.text()).toBe('{ "endpoints": {} }');
  });

  test('an unknown name is answered with the nearest', async () => {
    const at = project();
    at.write(COMMENTED.replace('"b"', '"billing"'));
    const { code, err } = await at.run('endpoints', 'show', 'biling');
    expect([code, err]).toEqual([2, expect.stringContaining("Did you mean 'billing'?")]);
  });
});

describe('send-test to an endpoint by its name', () => {
  async function registered(settings: string[] = []) {
    const endpoint = await startEndpoint(answers(200));
    const at = project({ MO_SECRET: 'another' });
    const added = await at.run('endpoints', 'add', 'dev', endpoint.url.href, '--json', ...settings);
    return { endpoint, at, secret: added.json().secret_made as string };
  }

  test('signs with its secret, and records it under its name', async () => {
    const { endpoint, at, secret } = await registered();
    const { code, json } = await at.run('send-test', 'dev', '--json');
    expect(code).toBe(0);
    expect(json()).toMatchObject({ endpoint: 'dev', url: endpoint.url.href });
    const [seen] = endpoint.requests;
    const verdict = verifySignature(seen?.body as Buffer, seen?.header('x-mo-signature'), [
      { name: 'dev', value: secret },
    ]);
    expect(verdict).toMatchObject({ result: 'valid' });
  });

  test.each([
    [['-e', 'missed'], ['-e', 'connected'], /it subscribes to call_missed/],
    [['--queue', 'Billing'], [], /its queues are Billing/],
    [['--number', '+441234'], [], /its numbers do not match/],
  ])('%j does not get %j, but with --force', async (settings, event, why) => {
    const { endpoint, at } = await registered(settings);
    const refused = await at.run('send-test', 'dev', ...event);
    expect([refused.code, refused.err]).toEqual([2, expect.stringMatching(why)]);
    expect(endpoint.requests).toEqual([]);
    expect((await at.run('send-test', 'dev', ...event, '--force')).code).toBe(0);
    expect(endpoint.requests).toHaveLength(1);
  });

  test('of a scenario it gets what it subscribes to', async () => {
    const { endpoint, at } = await registered(['-e', 'disconnected', '-e', 'initiated']);
    expect((await at.run('send-test', 'dev', '--scenario', 'answered', '--speed', 'max')).code).toBe(0);
    const events = endpoint.requests.map(
      ({ body }) => (JSON.parse(body.toString()) as { event: string }).event,
    );
    expect(events.sort()).toEqual(['call_disconnected', 'call_initiated']);
  });

  test('its own retries and pauses hold where no flag says otherwise', async () => {
    const endpoint = await startEndpoint(answers(500));
    const at = project();
    await at.run('endpoints', 'add', 'dev', endpoint.url.href, '--retries', '1', '--backoff', '1ms');
    expect((await at.run('send-test', 'dev')).code).toBe(1);
    expect(endpoint.requests).toHaveLength(2);
    await at.run('send-test', 'dev', '--retries', '0');
    expect(endpoint.requests).toHaveLength(3);
  });
});

describe('endpoints rotate-secret', () => {
  test('makes a new secret, keeps the old one for the overlap, and says until when', async () => {
    const at = project();
    const first = (await at.run('endpoints', 'add', 'a', 'https://a.example/', '--json')).json().secret_made;
    const before = Date.now();
    const { code, json } = await at.run('endpoints', 'rotate-secret', 'a', '--overlap', '2h', '--json');
    expect(code).toBe(0);
    const made = json() as { secret_made: string; previous_secret_until: string };
    expect(made.secret_made).not.toBe(first);
    expect(Date.parse(made.previous_secret_until) - before).toBeGreaterThanOrEqual(7_200_000);
    expect(readFileSync(join(at.cwd, '.mo-notify/secrets/a'), 'utf8').trim()).toBe(made.secret_made);
    expect(readFileSync(join(at.cwd, '.mo-notify/secrets/a.previous'), 'utf8').trim()).toBe(first);
    expect((await at.run('endpoints', 'show', 'a', '--json')).json()).toMatchObject({
      previous_secret: 'file:.mo-notify/secrets/a.previous',
      previous_secret_until: made.previous_secret_until,
    });
  });

  test('a secret in a variable is its owner’s to change', async () => {
    const at = project();
    await at.run('endpoints', 'add', 'a', 'https://a.example/', '--secret-env', 'A_SECRET');
    const { code, err } = await at.run('endpoints', 'rotate-secret', 'a');
    expect([code, err]).toEqual([2, expect.stringContaining('A_SECRET')]);
  });
});

describe('endpoints remove', () => {
  test('takes the secrets with it that were made for the endpoint, and says so', async () => {
    const at = project();
    await at.run('endpoints', 'add', 'a', 'https://a.example/');
    await at.run('endpoints', 'add', 'b', 'https://b.example/');
    await at.run('endpoints', 'rotate-secret', 'a');
    const secrets = join(at.cwd, '.mo-notify/secrets');
    expect(readdirSync(secrets)).toEqual(['a', 'a.previous', 'b']);
    const { code, out } = await at.run('endpoints', 'remove', 'a');
    expect([code, out]).toEqual([0, expect.stringContaining(`removed its secret, ${join(secrets, 'a')}\n`)]);
    expect(readdirSync(secrets)).toEqual(['b']);
  });

  test('leaves a secret file of the user’s own', async () => {
    const at = project();
    const own = join(at.cwd, 'own.txt');
    writeFileSync(own, 'a secret of mine\n');
    await at.run('endpoints', 'add', 'a', 'https://a.example/', '--secret-file', own);
    expect((await at.run('endpoints', 'remove', 'a', '--json')).json()).toEqual({
      removed: 'a',
      secrets_removed: [],
    });
    expect(existsSync(own)).toBe(true);
  });
});

test('endpoints show says how long the endpoint may be down before events are lost', async () => {
  const at = project();
  await at.run('endpoints', 'add', 'a', 'https://a.example/', '--backoff', '30s,30s,30s');
  expect((await at.run('endpoints', 'show', 'a')).out).toMatch(
    /may be down for +1 min 12 s \(1 min 48 s at most\)/,
  );
  expect((await at.run('endpoints', 'show', 'a', '--json')).json()).toMatchObject({
    outage_horizon_ms: { surely: 72_000, at_most: 108_000 },
  });
});

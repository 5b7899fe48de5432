import { createHmac } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { run } from '../../src/cli/main.ts';
import { jsonLines, type TestIoOptions, testIo } from '../helpers/test-io.ts';

// A published known answer (faults.md): any other implementation of the scheme gives the same.
const SECRET = "It's a Secret to Everybody";
const BODY = 'Hello, World!';
const SIGNATURE = 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17';

async function call(args: string[], options: TestIoOptions = {}) {
  const io = testIo(options);
  const code = await run(args, io);
  return { code, out: io.out(), err: io.err(), io };
}

function file(content: string | Uint8Array): string {
  const path = join(testIo().cwd, 'file');
  writeFileSync(path, content);
  return path;
}

const hmac = (body: string | Uint8Array, key: string | Uint8Array = SECRET) =>
  `sha256=${createHmac('sha256', key).update(body).digest('hex')}`;

describe('sign', () => {
  test('gives the known answer for a file and for standard input', async () => {
    const env = { MO_SECRET: SECRET };
    expect(await call(['sign', '--body', file(BODY)], { env })).toMatchObject({
      code: 0,
      out: `${SIGNATURE}\n`,
    });
    expect(await call(['sign', '--body', '-'], { env, stdin: BODY })).toMatchObject({
      out: `${SIGNATURE}\n`,
    });
  });

  test('signs bytes, not text', async () => {
    const bytes = Uint8Array.from([0xef, 0xbb, 0xbf, 0xff, 0x00, 0x0d, 0x0a]);
    const { out } = await call(['sign', '--body', '-'], { env: { MO_SECRET: SECRET }, stdin: bytes });
    expect(out).toBe(`${hmac(bytes)}\n`);
  });

  test.each([
    ['a variable', ['--secret-env', 'TEAM'], { env: { TEAM: SECRET, MO_SECRET: 'other' } }],
    ['a file', ['--secret-file', file(SECRET)], {}],
    ['a file that ends with one newline', ['--secret-file', file(`${SECRET}\n`)], {}],
    ['a file that ends with CRLF', ['--secret-file', file(`${SECRET}\r\n`)], {}],
    ['standard input', ['--secret-stdin'], { stdin: SECRET }],
    ['standard input that ends with one newline', ['--secret-stdin'], { stdin: `${SECRET}\n` }],
  ])('takes the secret from %s', async (_, flags, options) => {
    const { out } = await call(['sign', '--body', file(BODY), ...flags], options);
    expect(out).toBe(`${SIGNATURE}\n`);
  });

  test('--headers prints a delivery’s headers, --json the same as data', async () => {
    const env = { MO_SECRET: SECRET };
    const { out } = await call(['sign', '--body', file(BODY), '--headers'], { env });
    expect(out).toMatch(
      /^Content-Type: application\/json\nX-MO-Event-Id: ev_\w+\nX-MO-Signature: sha256=7571\w{60}\nX-MO-Delivery-Attempt: 1\n$/,
    );
    const { io } = await call(['sign', '--body', file(BODY), '--json'], { env });
    expect(jsonLines(io)).toMatchObject([
      { signature: SIGNATURE, secret: 'env:MO_SECRET', headers: { 'X-MO-Signature': SIGNATURE } },
    ]);
  });

  test('--curl quotes for a shell and holds the signature, not the secret', async () => {
    const { out } = await call(['sign', '--body', '-', '--curl', '3000'], {
      env: { MO_SECRET: SECRET },
      stdin: `it's`,
    });
    expect(out).toContain(`--data-binary 'it'\\''s'`);
    expect(out).toContain(`'X-MO-Signature: ${hmac(`it's`)}'`);
    expect(out).toContain(`'http://127.0.0.1:3000/'`);
    expect(out).not.toContain(SECRET);
  });
});

describe('A9 a secret that nobody can mean ends with 2, and the message names where it came from', () => {
  test.each([
    ['empty in the variable', [], { env: { MO_SECRET: '' } }, 'env:MO_SECRET is empty'],
    ['empty in the file', ['--secret-file', file('\n')], {}, 'is empty'],
    ['empty on standard input', ['--secret-stdin'], { stdin: '' }, 'stdin is empty'],
    ['padded in front', [], { env: { MO_SECRET: ` ${SECRET}` } }, 'white space'],
    ['padded behind', [], { env: { MO_SECRET: `${SECRET}\t` } }, 'white space'],
    ['two newlines behind', ['--secret-file', file(`${SECRET}\n\n`)], {}, 'white space'],
    ['unset', [], {}, 'MO_SECRET'],
    ['unset under its name', ['--secret-env', 'TEAM'], {}, 'TEAM is not set'],
    ['in no file', ['--secret-file', '/nowhere/secret'], {}, '/nowhere/secret cannot be read (ENOENT)'],
  ])('%s', async (_, flags, options, message) => {
    for (const command of [['sign'], ['verify', '--signature', SIGNATURE]]) {
      const { code, out, err } = await call([...command, '--body', file(BODY), ...flags], options);
      expect(err).toContain(message);
      expect(err).not.toContain(SECRET);
      expect([code, out]).toEqual([2, '']);
    }
  });

  test.each([['sign'], ['verify'], ['send-test']])(
    '%s refuses to take body and secret from the same standard input',
    async (command) => {
      const flags = { sign: ['--body', '-'], verify: ['--body', '-', '--signature', SIGNATURE] };
      const args = flags[command as 'sign' | 'verify'] ?? ['9', '--data', '-'];
      const { code, err } = await call([command, ...args, '--secret-stdin'], { stdin: SECRET });
      expect(code).toBe(2);
      expect(err).toContain('Standard input cannot be both');
    },
  );
});

describe('verify', () => {
  const verify = (body: string | Uint8Array, signature: string, ...flags: string[]) =>
    call(['verify', '--body', '-', '--signature', signature, ...flags], {
      env: { MO_SECRET: SECRET },
      stdin: body,
    });

  test('a right signature ends with 0 and says which secret matched', async () => {
    expect(await verify(BODY, SIGNATURE)).toMatchObject({
      code: 0,
      out: 'valid  signed with the secret env:MO_SECRET\n',
      err: '',
    });
  });

  test('several secrets serve a rotation', async () => {
    const flags = ['--secret-env', 'NEW', '--secret-env', 'OLD', '--json'];
    const { io, code } = await call(['verify', '--body', file(BODY), '--signature', SIGNATURE, ...flags], {
      env: { NEW: 'another one', OLD: SECRET },
    });
    expect(code).toBe(0);
    expect(jsonLines(io)).toEqual([
      { result: 'valid', secret: 'env:OLD', reason: null, cause: null, remedy: null, body_bytes: 13 },
    ]);
  });

  test('a wrong one ends with 1, the remedy beside it on stderr; the right one is not given away', async () => {
    const { code, out, err } = await verify(BODY, hmac('other'));
    expect(code).toBe(1);
    expect(out).toMatch(/^mismatch {2}no secret given here/);
    expect(err).toMatch(/Check that the secret is the endpoint's/);
    expect(out + err).not.toContain(SIGNATURE.slice(7));
    expect(out + err).not.toContain(SECRET);
  });

  const event = '{"call_id":"MO1","queue":"Süd/Ost"}';
  test.each([
    ['A2 no prefix', SIGNATURE.slice(7), BODY, 'malformed', 'prefix missing (the digest itself is right)'],
    [
      'A3 upper case',
      SIGNATURE.toUpperCase(),
      BODY,
      'malformed',
      'upper-case hex (the digest itself is right)',
    ],
    ['A4 a digit short', SIGNATURE.slice(0, -1), BODY, 'malformed', 'wrong length'],
    ['A4 no hex', `${SIGNATURE.slice(0, -1)}g`, BODY, 'malformed', 'not hex'],
    ['A10 SHA-1', 'sha1=0123456789', BODY, 'malformed', 'unsupported scheme'],
    ['an empty header', '', BODY, 'malformed', 'empty'],
    [
      'A5 re-serialised JSON',
      hmac(event),
      JSON.stringify(JSON.parse(event), null, 2),
      'mismatch',
      're-serialised without spaces',
    ],
    [
      'A5 pretty JSON',
      hmac(JSON.stringify(JSON.parse(event), null, 2)),
      event,
      'mismatch',
      'pretty-printed with 2 spaces',
    ],
    ['A5 escaped slashes', hmac(event.replace('/', '\\/')), event, 'mismatch', 'escaped slashes'],
    [
      'A5 escapes as PHP makes',
      hmac(event.replace('/', '\\/').replace('ü', '\\u00fc')),
      event,
      'mismatch',
      '\\u escapes',
    ],
    ['A5 a trailing newline', hmac(`${event}\n`), event, 'mismatch', 'the body and a trailing newline'],
    ['A5 CRLF', hmac('{\r\n}'), '{\n}', 'mismatch', 'CRLF'],
    ['A5 a byte order mark', hmac(`\ufeff${event}`), event, 'mismatch', 'byte order mark'],
    [
      'A9 a newline in the secret',
      hmac(BODY, `${SECRET}\n`),
      BODY,
      'mismatch',
      'the secret and a trailing newline',
    ],
    ['quotes around the secret', hmac(BODY, `"${SECRET}"`), BODY, 'mismatch', 'the secret in double quotes'],
  ])('explains %s', async (_, signature, body, result, cause) => {
    const { code, io } = await verify(body, signature, '--json');
    const [said] = jsonLines(io);
    expect(said).toMatchObject({ result, secret: null, cause: expect.stringContaining(cause) });
    expect(said?.remedy).toMatch(/./);
    expect(code).toBe(1);
  });

  test('a body that is not there ends with 2 and names it', async () => {
    const env = { MO_SECRET: SECRET };
    const { code, err } = await call(['verify', '--body', '/nowhere', '--signature', SIGNATURE], { env });
    expect(code).toBe(2);
    expect(err).toContain('--body: /nowhere cannot be read (ENOENT)');
  });
});

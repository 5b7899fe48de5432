import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { signPayload } from '../../src/core/signature.ts';
import { browserReason, noBrowser, useBrowser } from '../helpers/browser.ts';
import {
  type Board,
  bodyOf,
  column,
  eventually,
  fact,
  inspector,
  openPage,
  rows,
  startBoard,
} from '../helpers/dashboard.ts';
import { SECRET } from '../helpers/delivery.ts';
import { answers, startEndpoint } from '../helpers/endpoint.ts';
import { leakForms } from '../helpers/find-text.ts';

describe.skipIf(noBrowser)(`the delivery inspector in a browser${browserReason}`, () => {
  const browser = useBrowser();

  /** The page with the latest delivery, or the one of this seq, inspected. */
  async function inspect(board: Board, seq = 1, options: Parameters<typeof openPage>[2] = {}) {
    const { hash } = new URL(board.link);
    const opened = await openPage(
      browser(),
      `${board.origin}/?view=deliveries&delivery=receipt/${seq}${hash}`,
      options,
    );
    await inspector(opened.page).locator('.facts').waitFor();
    return opened.page;
  }
  const bodyText = (page: Page) => inspector(page).locator('.body').innerText();
  const show = (page: Page, form: string) =>
    inspector(page).getByRole('button', { name: form, exact: true }).click();
  const revealNumbers = (page: Page) => page.getByRole('switch', { name: 'Show numbers' }).click();

  test('headers as they came; the body as JSON of its own text, as text, and as bytes', async () => {
    const board = await startBoard();
    const body =
      '{"event":"call_connected","call_id":"MO1","timestamp":"2025-07-21T12:45:00Z",  "n":[12345678901234567890,1.0,-0,1e2],"e":{},"t":"\\u00e9\\/é"}';
    await board.send('', {}, { body, headers: ['X-Twice', 'one', 'X-Twice', 'two'] });
    const page = await inspect(board);
    expect(await bodyText(page)).toBe(`{
  "event": "call_connected",
  "call_id": "MO1",
  "timestamp": "2025-07-21T12:45:00Z",
  "n": [
    12345678901234567890,
    1.0,
    -0,
    1e2
  ],
  "e": {},
  "t": "\\u00e9\\/é"
}`);
    await show(page, 'Text');
    await eventually(() => bodyText(page)).toBe(body);
    await show(page, 'Bytes');
    await eventually(() => bodyText(page)).toMatch(
      /^000000 {2}7b 22 65 76 65 6e 74 22 3a 22 63 61 6c 6c 5f 63 {2}\{"event":"call_c\n000010 /,
    );
    const headers = await inspector(page).locator('.headers tr').allInnerTexts();
    expect(headers.map((line) => line.split('\t'))).toEqual(
      expect.arrayContaining([
        ['Content-Type', 'application/json'],
        ['X-MO-Event-Id', 'ev_1'],
        ['X-MO-Signature', signPayload(Buffer.from(body), SECRET)],
        ['X-Twice', 'one'],
        ['X-Twice', 'two'],
      ]),
    );
  });

  test('what the signature is, by which secret; why a bad one is', async () => {
    const board = await startBoard();
    await board.send('call_initiated');
    const body = bodyOf('call_connected');
    await board.send('', {}, { body, signature: signPayload(Buffer.from(body), 'another secret') });
    await board.send(
      '',
      {},
      { body, signature: signPayload(Buffer.from(body), SECRET).toUpperCase().replace('SHA', 'sha') },
    );
    await board.send(
      '',
      {},
      { body, signature: signPayload(Buffer.from(JSON.stringify(JSON.parse(body), null, 2)), SECRET) },
    );
    await board.send('', {}, { body, signature: null });
    const page = await inspect(board);
    const signature = () => fact(page, 'Signature').innerText();
    expect(await signature()).toBe('valid by env:MO_SECRET');
    const seen: string[] = [];
    for (const seq of [2, 3, 4, 5]) {
      await rows(page, `ev_${seq}`).click();
      await eventually(() => fact(page, 'Event id').innerText()).toBe(`ev_${seq}`);
      seen.push(await signature());
    }
    expect(seen[0]).toMatch(/^mismatch\n+None of the current secrets produces it for these bytes\.$/);
    expect(seen[1]).toMatch(/^malformed\n+.*upper-?case/i);
    expect(seen[2]).toMatch(/^mismatch\n+It was made over .*(pretty|indent)/i);
    expect(seen[3]).toMatch(/^missing\n+There is no X-MO-Signature/);
    expect((await fact(page, 'Answered').innerText()).startsWith('400')).toBe(true);
  });

  test('G4 a refused delivery of which the beginning is kept says so, and cannot be sent again', async () => {
    const app = await startEndpoint(answers(200));
    const board = await startBoard([app.url.href]);
    const body = `${'x'.repeat(9000)}`;
    await board.send('', {}, { body, secret: 'another' });
    const page = await inspect(board);
    expect(await inspector(page).getByText('It is cut: only its beginning is on record.').count()).toBe(1);
    expect(await bodyText(page)).toBe('x'.repeat(4096));
    expect(await fact(page, 'Body SHA-256').innerText()).toMatch(/^[0-9a-f]{64}$/);
    expect(await fact(page, 'Received').innerText()).toContain('9000 bytes');
    expect(await inspector(page).getByRole('button', { name: 'Resend' }).isDisabled()).toBe(true);
    expect(await inspector(page).getByRole('button', { name: 'Copy as cURL' }).count()).toBe(0);
  });

  test('a duplicate, a conflict and a suspected replay are named; all records of an event are a step away', async () => {
    const board = await startBoard();
    const body = bodyOf('call_connected');
    await board.send('', {}, { body });
    await board.send('', {}, { body, id: 'ev_1' });
    await board.send('', {}, { body: bodyOf('call_connected', { call_id: 'MO2' }), id: 'ev_1' });
    await board.send('', {}, { body, id: 'ev_other' });
    const page = await inspect(board, 2);
    expect(await fact(page, 'Seen before').innerText()).toMatch(/^duplicate \(the same event and body/);
    expect(await fact(page, 'App').innerText()).toBe('not handed on');
    const related = inspector(page).locator('.timeline li');
    expect(await related.count()).toBe(3);
    expect(await related.nth(1).getAttribute('aria-current')).toBe('true');
    await related.nth(2).getByRole('button', { name: 'inspect' }).click();
    await eventually(() => fact(page, 'Seen before').innerText()).toMatch(/^conflict \(a known event id/);
    expect(await fact(page, 'Call').innerText()).toBe('MO2');
    await rows(page, 'ev_other').click();
    await eventually(() => fact(page, 'Seen before').innerText()).toMatch(
      /^suspected replay \(known signed bytes/,
    );
  });

  test("the app's answer, its text too; another delivery of the event appears while one looks", async () => {
    const app = await startEndpoint(answers([503, {}, 'busy, <b>later</b>'], 200));
    const board = await startBoard([app.url.href]);
    await board.send('call_connected', {}, { headers: ['X-MO-Delivery-Attempt', '1'] });
    const page = await inspect(board);
    expect(await fact(page, 'App').innerText()).toMatch(/^503 in [\d.]+ ms\s+busy, <b>later<\/b>$/);
    expect(await fact(page, 'Answered').innerText()).toBe('503');
    const titles = () => inspector(page).locator('h3').allInnerTexts();
    expect(await titles()).toContain('Records of this event (1)');
    await board.send('call_connected', {}, { id: 'ev_1', headers: ['X-MO-Delivery-Attempt', '2'] });
    await eventually(titles).toContain('Records of this event (2)');
  });

  test('an app that cannot be reached is said to be', async () => {
    const app = await startEndpoint((response) => response.destroy());
    const board = await startBoard([app.url.href]);
    await board.send('call_connected');
    const page = await inspect(board);
    expect(await fact(page, 'App').innerText()).toMatch(/^no answer in [\d.]+ ms\s+\S/);
  });

  test('Resend: the app gets the same bytes again, and the attempt is on record', async () => {
    const app = await startEndpoint(answers(200, [201, {}, 'made <i>anew</i>'], 500));
    const board = await startBoard([app.url.href]);
    await board.send('call_connected');
    const page = await inspect(board);
    await inspector(page).getByRole('button', { name: 'Resend' }).click();
    const said = () => inspector(page).locator('.actions .said').last().innerText();
    await eventually(said).toMatch(
      /^Sent to http:\/\/127\.0\.0\.1:\d+\/notify: 201 in [\d.]+ ms\s+made <i>anew<\/i>$/,
    );
    const [first, second] = app.requests;
    expect(app.requests).toHaveLength(2);
    expect(second?.body.equals(first?.body as Buffer)).toBe(true);
    expect(second?.header('X-MO-Signature')).toBe(first?.header('X-MO-Signature'));
    await eventually(() => column(page, 'way')).toEqual(['↑ sent', '↓ received']);
    await eventually(() => inspector(page).locator('.timeline li').count()).toBe(2);
    await inspector(page).getByRole('button', { name: 'Resend' }).click();
    await eventually(said).toContain(': 500 in');
    await rows(page, 'sent').first().click();
    await eventually(() => fact(page, 'Outcome').innerText()).toMatch(/^500 rejected/);
    expect(await fact(page, 'Run').innerText()).toMatch(/^run_\S+, a replay of rc_\S+$/);
    expect(await bodyText(page)).toContain('"call_id": "MO1"');
  });

  test('without an app there is nobody to resend to, which is said', async () => {
    const board = await startBoard();
    await board.send('call_connected');
    const page = await inspect(board);
    expect(await inspector(page).getByRole('button', { name: 'Resend' }).isDisabled()).toBe(true);
    await inspector(page).getByText('There is no app to resend to').waitFor();
  });

  test('Copy as cURL makes the same request, without the secret; Copy event id copies it', async () => {
    const app = await startEndpoint(answers(200));
    const board = await startBoard([app.url.href]);
    await board.send('call_connected', { note: "it's $HOME `x`" });
    const page = await inspect(board, 1, { permissions: ['clipboard-read', 'clipboard-write'] });
    const clipboard = () => page.evaluate<string>('navigator.clipboard.readText()');
    const copy = async (name: string) => {
      const button = inspector(page).getByRole('button', { name });
      await button.click();
      await eventually(() => button.innerText()).toContain('Copied');
    };
    await copy('Copy event id');
    expect(await clipboard()).toBe('ev_1');
    await copy('Copy as cURL');
    const command = await clipboard();
    expect(leakForms(SECRET).filter((form) => command.includes(form))).toEqual([]);
    await promisify(execFile)('bash', ['-c', command]);
    const [first, second] = app.requests;
    expect(second?.body.toString()).toBe(first?.body.toString());
    for (const name of ['X-MO-Event-Id', 'X-MO-Signature', 'Content-Type'])
      expect(second?.header(name)).toBe(first?.header(name));
  });

  test('a body that is no UTF-8 is shown as bytes, and said not to fit a command line', async () => {
    const board = await startBoard();
    await board.send('', {}, { body: Buffer.from([0x7b, 0xff, 0xfe, 0x00, 0x7d]) });
    const page = await inspect(board, 1, { permissions: ['clipboard-read', 'clipboard-write'] });
    await inspector(page).getByText('It is not UTF-8.').waitFor();
    expect(await bodyText(page)).toMatch(/^000000 {2}7b ff fe 00 7d +\{\.\.\.\}$/);
    expect(await inspector(page).getByRole('button', { name: 'JSON' }).isDisabled()).toBe(true);
    expect(await inspector(page).getByRole('button', { name: 'Text' }).isDisabled()).toBe(true);
    expect(await fact(page, 'Flags').innerText()).toContain('invalid_utf8');
    await inspector(page).getByRole('button', { name: 'Copy as cURL' }).click();
    await inspector(page).getByRole('alert').getByText('the body is binary').waitFor();
  });

  test('a body of 400 KB in one line is shown in part, and whole on asking', async () => {
    const board = await startBoard();
    const text = `begin${'x'.repeat(400_000)}the end`;
    await board.send('call_connected', { text });
    const page = await inspect(board);
    expect((await bodyText(page)).length).toBe(20_000);
    await inspector(page)
      .getByRole('button', { name: /^Show all of its 400,\d{3} characters$/ })
      .click();
    await eventually(() => bodyText(page)).toContain(`${text}"`);
    expect(
      await inspector(page)
        .getByRole('button', { name: /^Show all/ })
        .count(),
    ).toBe(0);
  });

  test('what is longer than a line of text usually is can be read to its end without asking', async () => {
    const board = await startBoard();
    await board.send('call_connected', { text: `${'x'.repeat(9000)}the end` });
    const page = await inspect(board);
    expect(await bodyText(page)).toContain('xxthe end"');
  });

  test.each([
    [
      'a hundred thousand keys',
      `{"event":"call_connected","call_id":"MO1","timestamp":"2025-07-21T12:45:00Z",${Array.from({ length: 70_000 }, (_, i) => `"k${i}":0`).join()}}`,
    ],
    ['a hundred thousand levels', `${'['.repeat(100_000)}${']'.repeat(100_000)}`],
  ])('a body of %s does not hold the page up', async (_, body) => {
    const board = await startBoard();
    await board.send('', {}, { body });
    const page = await inspect(board);
    expect((await bodyText(page)).length).toBeGreaterThan(15_000);
    await revealNumbers(page);
    await show(page, 'Bytes');
    await eventually(() => bodyText(page)).toMatch(/^000000 /);
  });

  test('what is empty, and what is no JSON, say so', async () => {
    const board = await startBoard();
    await board.send('', {}, { body: '' });
    await board.send('', {}, { body: 'event=call_connected&call_id=MO1', contentType: null });
    const page = await inspect(board, 2);
    await inspector(page).getByText('It is not JSON.').waitFor();
    expect(await bodyText(page)).toBe('event=call_connected&call_id=MO1');
    await rows(page, 'ev_1').click();
    await eventually(() => fact(page, 'Flags').innerText()).toContain('empty_body');
    expect(await fact(page, 'Received').innerText()).toContain('0 bytes');
  });
});

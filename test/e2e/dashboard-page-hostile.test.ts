import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { visible } from '../../src/core/redact.ts';
import { openStore } from '../../src/store/open.ts';
import { browserReason, countElements, noBrowser, useBrowser } from '../helpers/browser.ts';
import {
  bodyOf,
  dialog,
  eventually,
  inspector,
  isLive,
  openPage,
  rows,
  startBoard,
  storeOf,
} from '../helpers/dashboard.ts';
import { startEndpoint } from '../helpers/endpoint.ts';
import { HOSTILE } from '../helpers/hostile-text.ts';
import { newAttempt } from '../helpers/records.ts';

const TEXTS = [...Object.values(HOSTILE), Object.values(HOSTILE).join(' ')];
/** What each would be if it were nothing but text, as long: a list offers only what is shown as it is. */
const HARMLESS = TEXTS.map((text, i) =>
  `harmless${visible(text, 60) === text ? '' : '\u200b'} ${i} `.padEnd(text.length, 'x'),
);
/** All that an address may say, but the view. */
const PARAMETERS = 'number queue direction status search kind event result window call'.split(' ');
/** Controls, and what turns text round. */
const RAW = /(?![\n\t])\p{Cc}|[\u202a-\u202e\u2066-\u2069]/u;

describe.skipIf(noBrowser)(`F3 hostile text on the dashboard's page${browserReason}`, () => {
  const browser = useBrowser();

  /** Fits into a header: printable, of one byte a character. */
  const inHeader = (text: string) => text.replaceAll(/[^\x20-\x7e]/g, '?').trim();

  /** A page over deliveries whose every field is one of these. */
  async function openWith(texts: readonly string[]) {
    const app = await startEndpoint((response, _, nth) =>
      response.writeHead(nth % 2 === 0 ? 200 : 500).end(texts[nth % texts.length]),
    );
    const board = await startBoard([app.url.href]);
    for (const [i, text] of texts.entries()) {
      const metadata = { queue: text, agent_id: text, recording_url: text, [text]: text };
      const event = {
        call_id: text,
        caller_number: text,
        receiver_number: text,
        direction: text,
        metadata,
        [text]: { [text]: [text] },
      };
      // Every other one has an event that is known, so that its call has a state.
      const body = bodyOf(i % 2 === 0 ? 'call_connected' : text, event);
      const id = inHeader(text).slice(0, 200);
      await board.send('', {}, { id, body, headers: ['X-Other', inHeader(text), `X-${i}`, 'x'] });
    }
    const store = await openStore(storeOf(board));
    for (const [i, text] of texts.entries()) {
      const about = {
        endpoint: text,
        url: text,
        event: text,
        callId: text,
        run: text,
        replayOf: text,
        error: text,
      };
      await store.addAttempt(
        newAttempt({ id: `at_${i}`, eventId: `of ${text}`, status: null, outcome: 'timeout', ...about }),
        null,
      );
    }
    await store.close();
    const opened = await openPage(browser(), 'about:blank', { live: false, fresh: true });
    await opened.page.addInitScript(`window.violations = [];
      document.addEventListener('securitypolicyviolation', (event) => window.violations.push(event.violatedDirective));`);
    opened.watched.requests.length = 0;
    await opened.page.goto(board.link);
    await isLive(opened.page);
    return { ...opened, board };
  }

  /** Looks at everything there is to see, and says of what it is made. */
  async function lookAtAll(page: Page): Promise<Record<string, Record<string, number>>> {
    const seen: Record<string, Record<string, number>> = {};
    const raw: string[] = [];
    const note = async (name: string) => {
      seen[name] = await countElements(page);
      if (await page.evaluate(`${RAW}.test(document.documentElement.outerHTML)`)) raw.push(name);
    };
    /** Without a click, which takes its time. */
    const goTo = (query: string) =>
      page.evaluate(`history.pushState(null, '', '${query}'); dispatchEvent(new PopStateEvent('popstate'))`);
    const keys = await page.evaluate<string[]>(
      `[...document.querySelectorAll('.row[id]')].map(({ id }) => id.replace('calls-', ''))`,
    );
    expect(keys).toHaveLength(TEXTS.length);
    await note('calls');
    for (const [i, key] of keys.entries()) {
      await goTo(`?call=${key}`);
      await dialog(page).locator('.timeline li').waitFor();
      await note(`call ${i}`);
    }
    await goTo('?view=deliveries');
    await eventually(() => page.locator('.foot').innerText()).toBe(
      `${TEXTS.length * 2} shown, no older ones`,
    );
    await note('deliveries');
    for (const kind of ['receipt', 'attempt'])
      for (let i = kind === 'attempt' ? 8 : 1; i <= TEXTS.length; i++) {
        await goTo(`?view=deliveries&delivery=${kind}/${i}`);
        await page.locator('.inspector .part').first().waitFor();
        await note(`${kind} ${i}`);
        // The last one has all of the others, and is too long to be shown whole.
        if (i === TEXTS.length || kind === 'attempt' || !RAW.test(TEXTS[i - 1] as string)) continue;
        for (const form of ['Text', 'Bytes']) {
          await inspector(page).getByRole('button', { name: form }).click();
          await inspector(page)
            .getByRole('region', { name: `Body as ${form}` })
            .waitFor();
          await note(`${kind} ${i} as ${form}`);
        }
      }
    await goTo('?view=kpis');
    await page.locator('.endpoints').waitFor();
    await note('KPIs');
    await page.getByRole('switch', { name: 'Show numbers' }).click();
    await note('KPIs with numbers');
    await goTo('?');
    await rows(page).first().waitFor();
    await note('calls with numbers');
    expect(raw).toEqual([]);
    return seen;
  }

  test('in every field of a delivery and of an attempt is shown as text, in every view, dialog and inspector', async () => {
    const harmless = await openWith(HARMLESS);
    const { page, board, watched } = await openWith(TEXTS);
    for (const one of [harmless.page, page]) await eventually(() => rows(one).count()).toBe(TEXTS.length);
    const [wanted, seen] = await Promise.all([lookAtAll(harmless.page), lookAtAll(page)]);
    for (const [name, elements] of Object.entries(wanted))
      expect([name, seen[name]]).toEqual([name, elements]);
    expect(watched.dialogs).toEqual([]);
    expect(watched.complaints).toEqual([]);
    expect(await page.evaluate('window.violations')).toEqual([]);
    expect(watched.requests.filter((url) => !url.startsWith(`${board.origin}/`))).toEqual([]);
    expect(watched.requests.length).toBeGreaterThan(TEXTS.length * 2);
    const text = await page.locator('.grid').innerText();
    expect(text).toContain('<img src=x onerror=alert(1)>');
    expect(text).toContain('\\u{202e}gnp.exe\\u{2066}');
  }, 60_000);

  test('in the address changes nothing but what it says', async () => {
    const board = await startBoard();
    await board.send('call_initiated');
    const at = async (texts: readonly string[]) => {
      const { page, watched } = await openPage(browser(), board.link);
      const seen: unknown[] = [];
      for (const view of ['calls', 'kpis', texts[0] as string]) {
        const query = new URLSearchParams({ view });
        for (const [i, name] of PARAMETERS.entries()) query.set(name, texts[i % texts.length] as string);
        await page.goto(`${board.origin}/?${query}`);
        await isLive(page);
        seen.push(await countElements(page), RAW.test(await page.content()));
      }
      return { seen, complaints: watched.complaints, dialogs: watched.dialogs };
    };
    const harmless = await at(['harmless']);
    expect(harmless).toMatchObject({ complaints: [], dialogs: [] });
    expect(harmless.seen[1]).toBe(false);
    expect(await at(TEXTS)).toEqual(harmless);
  });

  test('would be noticed doing any of that', async () => {
    const { page, watched } = await openWith(['harmless']);
    const before = await countElements(page);
    await page.evaluate(`{
      const image = document.createElement('img');
      image.src = 'http://evil.example/x.png';
      document.body.append(image);
      try { document.body.innerHTML += ''; } catch {}
    }`);
    await eventually(() => page.evaluate('window.violations')).toEqual(
      expect.arrayContaining([
        expect.stringContaining('img-src'),
        expect.stringContaining('require-trusted-types'),
      ]),
    );
    expect(await countElements(page)).not.toEqual(before);
    expect(watched.complaints.join()).toContain('Content Security Policy');
  });
});

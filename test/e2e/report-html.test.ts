import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { run } from '../../src/cli/main.ts';
import type { Attempt, Receipt } from '../../src/core/record.ts';
import { renderHtml } from '../../src/report/html.ts';
import type { Report } from '../../src/report/report.ts';
import { browserReason, countElements, noBrowser, useBrowser, watchPage } from '../helpers/browser.ts';
import { HOSTILE } from '../helpers/hostile-text.ts';
import { PATIENCE_MS } from '../helpers/patience.ts';
import { seedStore } from '../helpers/seed-store.ts';
import { testIo } from '../helpers/test-io.ts';

const TEXTS = Object.values(HOSTILE);

/** A report by the command itself, of attempts whose every field from outside is `text`. */
async function htmlReport(
  texts: readonly string[],
  { receipts = [], args = [] }: { receipts?: Partial<Receipt>[]; args?: string[] } = {},
): Promise<string> {
  const { cwd } = testIo();
  const attempts = texts.flatMap((text): Partial<Attempt>[] => {
    const about = { endpoint: text, url: text, event: text };
    return [about, { ...about, status: null, outcome: 'timeout', error: text }];
  });
  const numbered = attempts.map((attempt, i) => ({ ...attempt, eventId: `ev_${i}` }));
  const store = await seedStore(cwd, { attempts: numbered, receipts });
  const path = join(cwd, 'report.html');
  const io = testIo({ cwd });
  const command = ['report', '--store', store, '--format', 'html', '-o', path, ...args];
  expect(await run(command, io), io.err()).toBe(1);
  return path;
}

/** The same with thresholds and with calls that do not fit, whose ids have nowhere to break. */
function reportOfCalls(): Promise<string> {
  const events = [1, 2, 3, 4, 5, 6].flatMap((n) => [
    { call_id: `MO${n}${'0'.repeat(100)}`, event: 'call_missed', timestamp: '2026-01-31T12:00:00Z' },
    { call_id: `MO${n}${'0'.repeat(100)}`, event: 'call_connected', timestamp: '2026-01-31T12:10:06Z' },
  ]);
  const receipts = events.map((event, i) => ({
    eventId: `ev_call_${i}`,
    callId: event.call_id,
    event: event.event,
    body: Buffer.from(JSON.stringify(event)),
  }));
  const thresholds = ['webhook_latency:p(99.999)<=1234567ms', 'refused:count<5', 'p(95)<1ms'];
  return htmlReport(['crm', 'x'.repeat(150)], {
    receipts,
    args: ['--calls', ...thresholds.flatMap((one) => ['--threshold', one])],
  });
}

/** The same where the report's every text is from outside, those too that records cannot hold. */
function wholly(text: string): Report {
  return {
    window: { from: text, to: text },
    totals: { events: 2, attempts: 2, receipts: 0, duplicates: 0, refused: 0 },
    kpis: [],
    endpoints: [
      {
        name: text,
        url: text,
        attempts: 2,
        events: 1,
        success_rate: 0.5,
        delivery_rate: 1,
        latency_ms: { p50: 1, p90: 1, p95: 1, p99: 1, max: 1 },
        statuses: { [text]: 2 },
        outcomes: { [text]: 2 },
        events_by_type: { [text]: 1 },
        outage_horizon_ms: { surely: 1, at_most: 2 },
      },
    ],
    thresholds: [{ expression: text, observed: 1, unit: 'ms', verdict: 'fail' }],
    calls: {
      calls: 1,
      statuses: { Missed: 1 },
      findings: [{ rule: 'duration', severity: 'warn', calls: 1, examples: [text] }],
      timelines: [
        {
          call_id: text,
          status: 'Missed',
          events: [{ event: text, event_id: text, timestamp: '2026-01-31T12:00:00.000Z' }],
          findings: [text],
        },
      ],
      left_out: 0,
    },
    notes: [text],
  };
}

describe.skipIf(noBrowser)(`the HTML report in a browser${browserReason}`, () => {
  const browser = useBrowser();

  /** Opens a file, and says what it did meanwhile. */
  async function open(path: string, options: Parameters<Browser['newPage']>[0] = {}) {
    const page = await browser().newPage(options);
    onTestFinished(() => page.close());
    page.setDefaultTimeout(PATIENCE_MS);
    const watched = watchPage(page);
    await page.goto(pathToFileURL(path).href);
    return { page, watched, url: pathToFileURL(path).href };
  }

  async function expectHarmless(hostile: string, harmless: string): Promise<Page> {
    const { page, watched, url } = await open(hostile);
    const { page: reference } = await open(harmless);
    expect(watched).toEqual({ dialogs: [], requests: [url], complaints: [] });
    expect(await countElements(page)).toEqual(await countElements(reference));
    await reference.close();
    return page;
  }

  test('F3 of hostile endpoints, URLs and events shows text: no dialog, no element, no request, no CSP report', async () => {
    const hostile = await htmlReport(TEXTS);
    const page = await expectHarmless(hostile, await htmlReport(TEXTS.map((_, i) => `endpoint ${i}`)));
    const shown = await page.locator('h3').allTextContents();
    expect(shown).toHaveLength(TEXTS.length);
    expect(shown).toContain('<img src=x onerror=alert(1)>');
    expect(shown).toContain('\\u{202e}gnp.exe\\u{2066}');
    expect(shown).toContain('\\x1b[2J\\x1b]52;c;ZXZpbA==\\x07');
    await page.close();
  });

  test.each([...Object.entries(HOSTILE), ['all of that', TEXTS.join(' ')]])(
    'F3 nor when every text there can be is %s',
    async (_, text) => {
      const { cwd } = testIo();
      const [hostile, harmless] = [join(cwd, 'hostile.html'), join(cwd, 'harmless.html')];
      writeFileSync(hostile, renderHtml(wholly(text)));
      writeFileSync(harmless, renderHtml(wholly('harmless')));
      await (await expectHarmless(hostile, harmless)).close();
    },
  );

  test('would be noticed doing any of that', async () => {
    const path = join(testIo().cwd, 'bad.html');
    const policy = `<meta http-equiv="Content-Security-Policy" content="img-src 'none'">`;
    writeFileSync(
      path,
      `${policy}<p><bdi>x</bdi><script>alert(1)</script><img src="x.png"><iframe src="y.html"></iframe>`,
    );
    const { page, watched } = await open(path);
    expect(watched.dialogs).toEqual(['1']);
    expect(watched.requests.length).toBeGreaterThan(1);
    expect(watched.complaints.join()).toContain('Content Security Policy');
    await page.close();
  });

  describe('is drawn', () => {
    let path: string;
    const wide: Record<string, string> = {};
    beforeAll(async () => {
      path = await htmlReport(['crm', 'https://averylongname.example/'.repeat(3), 'x'.repeat(150)]);
      const large = join(testIo().cwd, 'large.html');
      const totals = { events: 12e6, attempts: 123e6, receipts: 99e9, duplicates: 12_345, refused: 0 };
      writeFileSync(large, renderHtml({ ...wholly('W'.repeat(150)), totals }));
      Object.assign(wide, { endpoints: path, 'calls and thresholds': await reportOfCalls(), numbers: large });
    });
    const background = (page: Page) =>
      page.evaluate<string>('getComputedStyle(document.body).backgroundColor');

    test('with its own style, dark where that is wished for, and light on paper', async () => {
      const { page } = await open(path, { colorScheme: 'light' });
      const light = await background(page);
      await page.emulateMedia({ colorScheme: 'dark' });
      const dark = await background(page);
      await page.emulateMedia({ colorScheme: 'dark', media: 'print' });
      const paper = await background(page);
      expect(paper).toBe('rgb(255, 255, 255)');
      expect(brightness(light)).toBeGreaterThan(200);
      expect(brightness(dark)).toBeLessThan(50);
      expect((await page.pdf()).length).toBeGreaterThan(10_000);
      await page.close();
    });

    test.each(
      ['endpoints', 'calls and thresholds', 'numbers'].flatMap((of) =>
        [320, 360, 768, 961, 1180, 1920].map((width) => [of, width] as const),
      ),
    )('of %s within %i pixels: all in its card, without scrolling sideways', async (of, width) => {
      const { page } = await open(wide[of] as string, { viewport: { width, height: 800 } });
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
      const outside =
        await page.evaluate(`[...document.querySelectorAll('td, th, p, h3, li, dt, dd, svg, bdi, time')]
        .filter((e) => e.closest('thead, svg svg') === null && e.getBoundingClientRect().right
          > (e.closest('section, article, .totals div') ?? document.body).getBoundingClientRect().right)
        .map((e) => e.outerHTML)`);
      expect(outside).toEqual([]);
      await page.close();
    });

    test('with the calls of a narrow page as cards whose figures have their names', async () => {
      const { page } = await open(wide['calls and thresholds'] as string, {
        viewport: { width: 360, height: 800 },
      });
      const shown = (table: string) =>
        page.evaluate(`(() => {
          const row = document.querySelector('.${table} tbody tr');
          const named = [...row.cells].slice(1).map((cell) => /"(.+?)"/.exec(getComputedStyle(cell, '::before').content)?.[1]);
          return [getComputedStyle(row).display, ...named];
        })()`);
      expect(await shown('thresholds')).toEqual(['grid', 'Observed', 'Verdict']);
      expect(await shown('calls')).toEqual(['grid', 'Severity', 'Calls', 'Such as']);
      expect(await page.locator('.timeline .gap').nth(1).textContent()).toBe('+10 min 6 s');
      await page.close();
    });

    test('for those who hear it: a language, a title, headings in order, tables, named images', async () => {
      for (const width of [360, 1180]) {
        const { page } = await open(path, { viewport: { width, height: 800 } });
        expect(await page.getAttribute('html', 'lang')).toBe('en');
        expect(await page.title()).toBe('Delivery report – mo-notify');
        expect(await page.getByRole('heading', { level: 1 }).allTextContents()).toEqual(['Delivery report']);
        expect(await page.getByRole('heading', { level: 2 }).allTextContents()).toEqual([
          'KPIs',
          'Endpoints',
        ]);
        expect(await page.getByRole('table').count()).toBe(2 + 3 * 3);
        expect(await page.getByRole('table').nth(0).getByRole('rowheader').count()).toBe(5);
        expect(await page.getByRole('row', { name: /Success rate.*✗ fail|Success rate.*fail/ }).count()).toBe(
          1,
        );
        const unnamed = `[...document.querySelectorAll('body svg')].filter((svg) =>
          svg.parentElement.closest('svg') === null && (svg.getAttribute('role') !== 'img' || !svg.querySelector('title')?.textContent)).length`;
        expect(await page.evaluate(unnamed)).toBe(0);
        await page.close();
      }
    });
  });

  test('of an empty log opens and complains of nothing', async () => {
    const io = testIo();
    const path = join(io.cwd, 'empty.html');
    expect(await run(['report', '--store', 'sqlite::memory:', '--format', 'html', '-o', path], io)).toBe(0);
    const { page, watched, url } = await open(path);
    expect(watched).toEqual({ dialogs: [], requests: [url], complaints: [] });
    expect(await page.locator('.verdict').textContent()).toContain('No data to judge');
    await page.close();
  });
});

/** Of `rgb(244, 246, 249)`, 0 to 255. */
function brightness(color: string): number {
  const parts = color.match(/\d+/g)?.map(Number) ?? [];
  return parts.reduce((sum, part) => sum + part, 0) / parts.length;
}

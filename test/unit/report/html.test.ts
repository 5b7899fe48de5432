import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { emptyEndpointTally, emptyReceiptTally, type Tally } from '../../../src/core/tally.ts';
import { renderHtml } from '../../../src/report/html.ts';
import { html, outside } from '../../../src/report/markup.ts';
import { buildReport } from '../../../src/report/report.ts';

const NOTHING: Tally = { endpoints: [], received: emptyReceiptTally(), from: null, to: null };

/** Ten attempts: eight delivered in 120 ms, one answered 503, one not at all. */
function tally(name = 'crm', url = 'https://crm.example/hook', event = 'call_connected'): Tally {
  const endpoint = emptyEndpointTally(name, url);
  Object.assign(endpoint, { attempts: 10, successes: 8, events: 9, delivered: 8 });
  Object.assign(endpoint.statuses, { 200: 8, 503: 1 });
  Object.assign(endpoint.outcomes, { delivered: 8, rejected: 1, timeout: 1 });
  Object.assign(endpoint.eventsByType, { [event]: 9 });
  endpoint.latency.record(120, 8);
  return { endpoints: [endpoint], received: emptyReceiptTally(), from: 0, to: 3000 };
}

const render = (of: Tally = tally()) => renderHtml(buildReport(of, { from: null, to: null }));
const titles = (page: string) => [...page.matchAll(/<svg[^>]*>\s*<title>(.*?)<\/title>/g)].map(([, t]) => t);
/** What a reader sees, cell by cell. */
const words = (page: string) =>
  page
    .replaceAll(/<style>.*?<\/style>|<title>.*?<\/title>/gs, '')
    .replaceAll(/<[^>]+>/g, '\t')
    .split(/[\t\n]+/)
    .map((word) => word.trim());

describe('the page', () => {
  test('has the figures, each KPI with its verdict in words', () => {
    const cells = words(render());
    const at = cells.indexOf('Success rate (attempts)');
    expect(cells.slice(at).filter((cell) => cell !== '')).toEqual(
      expect.arrayContaining(['80 %', '≥ 99 %', 'fail', 'n=10', '49.01 % – 94.33 %']),
    );
    expect(cells).toContain('2 of 3 KPIs fail; 2 without data');
    expect(cells).toContain('1970-01-01 00:00:03');
  });

  test('has plots that say in words what they show', () => {
    expect(titles(render())).toEqual([
      'Webhook latency (median): observed 120 ms, 95 % interval 120 ms – 120 ms; threshold ≤ 5.0 s; pass',
      'Widget latency (median): no data; threshold ≤ 3.0 s; no data',
      expect.stringMatching(/^Success rate \(attempts\): observed 80 %, 95 % interval .*; fail$/),
      expect.stringMatching(/^Delivery rate \(events\): observed 88\.88 %.*; fail$/),
      'Duplicates dropped: no data; threshold ≥ 99.9 %; no data',
      'Latency at crm: p50 120 ms, p90 120 ms, p95 120 ms, p99 120 ms, max 120 ms',
      ...['200: 80 %', '503: 10 %', 'none: 10 %'],
      ...['delivered: 80 %', 'rejected: 10 %', 'timeout: 10 %'],
      'call_connected: 100 %',
    ]);
  });

  test('draws the observed value on the side of the threshold where it belongs', () => {
    const kpis = render().split('<svg class="scale"').slice(1);
    const x = (scale: string | undefined, pattern: RegExp) => Number(pattern.exec(scale ?? '')?.[1]);
    const limit = /class="limit" x1="([\d.]+)%/;
    expect(x(kpis[0], /<circle [^>]*cx="([\d.]+)%/)).toBeLessThan(x(kpis[0], limit));
    expect(x(kpis[2], /overflow="visible" x="([\d.]+)%/)).toBeLessThan(x(kpis[2], limit));
    expect(kpis[1]).not.toMatch(/observed"|class="interval"/);
  });

  test('of an empty log says so, and has neither NaN nor an endpoint', () => {
    const page = render(NOTHING);
    expect(words(page)).toEqual(
      expect.arrayContaining(['No records', 'No data to judge', 'No attempts on record.']),
    );
    expect(page).not.toMatch(/NaN|Infinity|undefined|null|<article/);
  });

  test('has the worst endpoint first, and marks the rates that are below their KPI’s threshold', () => {
    const of = tally();
    const endpoint = (
      name: string,
      attempts: number,
      successes: number,
      events = attempts,
      delivered = events,
    ) =>
      Object.assign(emptyEndpointTally(name, 'https://x.example/'), {
        attempts,
        successes,
        events,
        delivered,
      });
    of.endpoints = [
      endpoint('nothing', 0, 0),
      endpoint('fine', 100, 100),
      endpoint('just', 100, 98),
      endpoint('dead', 4, 0, 4, 0),
      endpoint('busy and fine', 200, 200),
      endpoint('flaky', 10, 8, 8, 8),
    ];
    const page = renderHtml(buildReport(of, { from: null, to: null }, { kpis: { success_rate: 0.98 } }));
    const worstFirst = ['dead', 'flaky', 'just', 'busy and fine', 'fine', 'nothing'];
    expect([...page.matchAll(/<h3><bdi>(.*?)<\/bdi>/g)].map(([, name]) => name)).toEqual(worstFirst);
    expect([...page.matchAll(/rowheader"><bdi>(.*?)<\/bdi>/g)].map(([, name]) => name)).toEqual(worstFirst);
    const marked = [
      ...page.matchAll(
        /data-label="(\w+)"><span class="chip bad">.*?below its threshold:.*?<\/span> (.*?)</g,
      ),
    ];
    expect(marked.map(([, column, rate]) => [column, rate])).toEqual([
      ['Success', '0 %'],
      ['Delivered', '0 %'],
      ['Success', '80 %'],
    ]);
  });

  test('draws whatever was measured: nothing delivered, no time at all, hours', () => {
    const dead = tally();
    const [endpoint] = dead.endpoints;
    Object.assign(endpoint as object, {
      latency: emptyEndpointTally('', '').latency,
      successes: 0,
      delivered: 0,
    });
    expect(words(render(dead))).toContain('Nothing was delivered.');
    for (const ms of [0, 0.1, 86_400_000]) {
      const one = tally();
      one.endpoints[0]?.latency.record(ms, 99);
      const page = render(one);
      expect(page).not.toMatch(/NaN|Infinity|undefined|null/);
      for (const [, width] of page.matchAll(/ (?:width|x|x1|cx)="([-\d.e+]+)%"/g)) {
        expect(Number(width)).toBeGreaterThanOrEqual(0);
        expect(Number(width)).toBeLessThanOrEqual(100);
      }
    }
  });

  test('lists the most frequent of many kinds, and adds up the rest', () => {
    const many = tally();
    for (let i = 0; i < 40; i++) Object.assign(many.endpoints[0]?.eventsByType ?? {}, { [`kind_${i}`]: 2 });
    const cells = words(render(many));
    expect(cells.slice(cells.indexOf('30 others')).filter((cell) => cell !== '')[1]).toBe('60');
    expect(cells).not.toContain('kind_39');
  });
});

describe('F3 the page fetches and runs nothing', () => {
  test('it has no script, no link, no handler, and a policy that forbids all but its own style', () => {
    const page = render();
    const style = /<style>(.*?)<\/style>/s.exec(page)?.[1] as string;
    const hash = createHash('sha256').update(style).digest('base64');
    expect(page.replaceAll('&#39;', "'")).toContain(
      `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'">`,
    );
    expect(page.indexOf('Content-Security-Policy')).toBeLessThan(page.indexOf('<style>'));
    expect(page).not.toMatch(/<(script|link|img|iframe|object|embed|base|form|a|use|image)\b/i);
    expect(page).not.toMatch(/\s(on\w+|href|src|srcset|action|style|xlink:href)\s*=/i);
    expect(style).not.toMatch(/url\(|@import|<\//);
  });

  test.each([
    ['an element', '<img src=x onerror=alert(1)>', '&lt;img src=x onerror=alert(1)&gt;'],
    ['the end of a script', '</script><script>alert(1)</script>', '&lt;/script&gt;&lt;script&gt;alert(1)'],
    [
      'the end of an attribute',
      `"><svg onload='alert(1)'>`,
      '&quot;&gt;&lt;svg onload=&#39;alert(1)&#39;&gt;',
    ],
    ['an entity', '&lt;b&gt;', '&amp;lt;b&amp;gt;'],
    ['a terminal’s escape', 'a\u001b[2Jb\u009b1m', 'a\\x1b[2Jb\\x9b1m'],
    ['a change of direction', 'a\u202egnp.exe\u2066', 'a\\u{202e}gnp.exe\\u{2066}'],
    ['a caller’s number', 'queue of +919876543210', 'queue of +91******3210'],
    ['a number beyond the cut', `${'x'.repeat(190)} +919876543210`, `${'x'.repeat(190)} +91******…`],
  ])('%s in a name, a URL, an event type and a note is text', (_, hostile, shown) => {
    const report = buildReport(tally(hostile, hostile, hostile), { from: null, to: null });
    report.notes.push(hostile);
    const page = renderHtml(report);
    expect(page).not.toContain(hostile);
    expect(page.split(`<bdi>${shown.slice(0, 50)}`)).toHaveLength(6);
    expect(page).toContain(`Latency at ${shown}`);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that there are none is what is tested
    expect(page.replaceAll('\n', '')).not.toMatch(/[\0-\x1f\x7f-\x9f\u202e\u2066]/);
    const tags = (of: string) => of.match(/<[a-z]+/g);
    const harmless = buildReport(tally(), { from: null, to: null });
    harmless.notes.push('note');
    expect(tags(page)).toEqual(tags(renderHtml(harmless)));
  });
});

test('a template escapes every value that is not markup itself', () => {
  const list = ['<a>', html`<b>${'<'}</b>`];
  expect(html`<p title="${'"'}">${list} ${12345} ${outside('x')}</p>`.text).toBe(
    '<p title="&quot;">&lt;a&gt;<b>&lt;</b> 12,345 <bdi>x</bdi></p>',
  );
});

import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { describe, expect, test } from 'vitest';
import { emptyEndpointTally, emptyReceiptTally, type Tally } from '../../../src/core/tally.ts';
import { type Format, RENDERERS } from '../../../src/report/formats.ts';
import { buildReport } from '../../../src/report/report.ts';

const same = (text: string) => text;
const STYLE = { good: same, bad: same, warn: same, dim: same, strong: same };

/** Ten attempts, one of them failed; 9 events, all delivered in 120 ms. */
function tally(name = 'crm', url = 'https://crm.example/hook'): Tally {
  const endpoint = emptyEndpointTally(name, url);
  Object.assign(endpoint, { attempts: 10, successes: 9, events: 9, delivered: 9 });
  Object.assign(endpoint.statuses, { 200: 9, 503: 1 });
  Object.assign(endpoint.outcomes, { delivered: 9, rejected: 1 });
  Object.assign(endpoint.eventsByType, { call_connected: 9 });
  endpoint.latency.record(120, 9);
  return { endpoints: [endpoint], received: emptyReceiptTally(), from: 0, to: 1000 };
}

function render(format: Format, { strict = false, of = tally() } = {}): string {
  const report = buildReport(of, { from: null, to: null });
  return RENDERERS[format](report, { style: STYLE, width: 120, strict, indent: true });
}

const HOSTILE = `</td><img src=x onerror=alert(1)> & "q" 'a' \`c\` | [l](javascript:1) \\ \u001b[2J\u202e\n=1+1 @all`;

describe('junit', () => {
  const parse = (text: string) => {
    expect(XMLValidator.validate(text)).toBe(true);
    const parser = new XMLParser({ ignoreAttributes: false, attributeNamePrefix: '' });
    return (parser.parse(text) as { testsuites: { testsuite: unknown } }).testsuites.testsuite as {
      tests: string;
      failures: string;
      skipped: string;
      testcase: { name: string; failure?: { type: string; message: string }; skipped?: unknown }[];
    };
  };

  test('a KPI that fails is a failure, one without data is skipped', () => {
    const suite = parse(render('junit'));
    expect(suite).toMatchObject({ tests: '5', failures: '1', skipped: '2' });
    expect(
      suite.testcase.map(({ name, failure, skipped }) => [name, failure?.type, skipped !== undefined]),
    ).toEqual([
      ['webhook_latency_median', undefined, false],
      ['widget_latency_median', undefined, true],
      ['success_rate', 'threshold', false],
      ['delivery_rate', undefined, false],
      ['duplicate_drop_rate', undefined, true],
    ]);
    expect(suite.testcase[2]?.failure?.message).toBe('Success rate (attempts): 90 %, wanted ≥ 99 %');
  });

  test('with --strict weak evidence is a failure too', () => {
    const suite = parse(render('junit', { strict: true }));
    expect(suite.failures).toBe('2');
    expect(suite.testcase[3]?.failure?.type).toBe('weak evidence');
  });
});

describe('prometheus', () => {
  const SAMPLE = /^([a-z_:][a-z0-9_:]*)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\[\\n"])*",?)*)\})? (-?[\d.e+-]+)$/;

  test('every line is a comment or a sample of the family above it, and the last is # EOF', () => {
    const lines = render('prometheus', { of: tally(HOSTILE, `https://x.example/"\\${HOSTILE}`) }).split('\n');
    expect(lines.at(-1)).toBe('# EOF');
    let family = '';
    for (const line of lines.slice(0, -1)) {
      const type = /^# TYPE (\S+) (gauge|counter|summary)$/.exec(line);
      if (type !== null) family = type[1] as string;
      else if (line.startsWith('# HELP ')) expect(line).toContain(`# HELP ${family} `);
      else expect(SAMPLE.exec(line)?.[1]?.replace(/_total$/, ''), line).toBe(family);
    }
  });

  test('seconds, ratios and counts', () => {
    const text = render('prometheus');
    const at = 'endpoint="crm",url="https://crm.example/hook"';
    for (const line of [
      'mo_notify_kpi{kpi="webhook_latency_median",unit="seconds"} 0.12',
      'mo_notify_kpi{kpi="success_rate",unit="ratio"} 0.9',
      'mo_notify_kpi_ok{kpi="success_rate",unit="ratio"} 0',
      'mo_notify_kpi_ok{kpi="delivery_rate",unit="ratio"} 1',
      `mo_notify_attempts_total{${at}} 10`,
      `mo_notify_answers_total{${at},status="503"} 1`,
      `mo_notify_delivery_latency_seconds{${at},quantile="0.95"} 0.12`,
    ])
      expect(text.split('\n')).toContain(line);
    expect(text).not.toContain('mo_notify_kpi{kpi="widget_latency_median"');
  });
});

describe('csv', () => {
  test('one figure a row, KPIs with what they are judged by', () => {
    const lines = render('csv').split('\r\n');
    expect(lines[0]).toBe('scope,name,url,metric,value,unit,threshold,verdict,evidence,n,low,high');
    expect(lines[3]).toMatch(/^kpi,all,,success_rate,0\.9,ratio,0\.99,fail,weak,10,0\.59/);
    expect(lines).toContain('endpoint,crm,https://crm.example/hook,status:503,1,count,,,,,,');
  });

  test('F4 a name that is a formula is none any more', () => {
    expect(render('csv', { of: tally('=HYPERLINK("x")', 'u') })).toContain(
      'endpoint,"\'=HYPERLINK(""x"")",u,',
    );
  });
});

describe('markdown', () => {
  test('tables for KPIs and endpoints', () => {
    const text = render('markdown');
    expect(text).toContain(
      '| Success rate (attempts) | 90 % | ≥ 99 % | ❌ fail | n=10 | 59.58 % – 98.21 % |',
    );
    expect(text).toContain(
      '| crm | 9 | 10 | 90 % | 120 ms | 120 ms | 120 ms | 200×9 503×1 | 24.8 s (37.2 s at most) |',
    );
  });

  test('F3 a hostile name is text in its cell, nothing else', () => {
    const row = render('markdown', { of: tally(HOSTILE) })
      .split('\n')
      .at(-1) as string;
    expect(row).toMatch(/^\| &lt;\/td&#62;&lt;img src=x onerror=alert&#40;1&#41;&#62; &amp; /);
    expect(row.split('|')).toHaveLength(11);
    expect(row).not.toMatch(/[\p{Cc}\p{Cf}`<>[\]@]/u);
  });
});

test.each(['table', 'json', 'markdown', 'junit', 'prometheus', 'csv'] as const)(
  'F1 %s lets no control or bidi character of a name through to a terminal',
  (format) => {
    const text = render(format, { of: tally('a\u001b[2Jb\u0007\u202ec', 'https://x.example/') });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
    expect(text.replaceAll('\r\n', '')).not.toMatch(/[\u001b\u0007\u202e]/);
  },
);

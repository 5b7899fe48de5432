import { spawnSync } from 'node:child_process';
import { XMLValidator } from 'fast-xml-parser';
import { describe, expect, test } from 'vitest';
import { emptyEndpointTally, emptyReceiptTally, type Tally } from '../../../src/core/tally.ts';
import { parseThreshold } from '../../../src/core/threshold.ts';
import type { CallSummary, CallTimeline } from '../../../src/report/calls.ts';
import { FORMAT_NAMES, type Format, RENDERERS } from '../../../src/report/formats.ts';
import { buildReport, type Report, reportFigures } from '../../../src/report/report.ts';

// What only some reports have: other thresholds, calls, an endpoint with a schedule of its own.

const same = (text: string) => text;
const STYLE = { good: same, bad: same, warn: same, dim: same, strong: same };
const HOSTILE = `</td><img src=x onerror=alert(1)> & "q" 'a' \`c\` | [l](javascript:1) \\ \u001b[2J\u202e\n=1+1 @all`;

type Finding = CallSummary['findings'][number];

function tally(name: string): Tally {
  const endpoint = emptyEndpointTally(name, 'https://crm.example/hook');
  Object.assign(endpoint, { attempts: 10, successes: 9, events: 9, delivered: 9 });
  Object.assign(endpoint.statuses, { 200: 9, 503: 1 });
  endpoint.latency.record(120, 9);
  return { endpoints: [endpoint], received: { ...emptyReceiptTally(), refused: 7 }, from: 0, to: 1000 };
}

function calls(text: string): CallSummary {
  return {
    calls: 40,
    statuses: { Disconnected: 30, Missed: 10 },
    findings: [
      { rule: 'connected_after_missed', severity: 'warn', calls: 2, examples: [text, 'MO2'] },
      { rule: 'no_end', severity: 'warn', calls: 1, examples: ['MO4'] },
      { rule: 'no_beginning', severity: 'info', calls: 5, examples: ['MO3'] },
      { rule: 'no_end', severity: 'info', calls: 3, examples: ['MO5'] },
    ],
    timelines: [
      {
        call_id: text,
        status: 'Missed',
        events: [
          { event: 'call_initiated', event_id: 'ev_1', timestamp: '2026-01-31T12:00:00.000Z' },
          { event: text, event_id: null, timestamp: null },
          { event: 'call_connected', event_id: 'ev_2', timestamp: '2026-01-31T12:00:06.000Z' },
        ],
        findings: [text],
      },
    ],
    left_out: 0,
  };
}

function whole(text = 'MO1'): Report {
  const of = tally(text === 'MO1' ? 'crm' : text);
  const expressions = ['p(95)<100ms', 'refused:count<5', 'delivery_rate>90%'].map((one) =>
    parseThreshold(one, reportFigures(of), ''),
  );
  const scheduleOf = () => ({ retries: 2, backoffMs: [30_000] });
  return buildReport(of, { from: null, to: null }, { expressions, scheduleOf, calls: calls(text) });
}

const render = (format: Format, report = whole()) =>
  RENDERERS[format](report, { style: STYLE, width: 120, strict: false, indent: true });

describe('thresholds, calls and the outage horizon', () => {
  test('are in the JSON', () => {
    expect(JSON.parse(render('json'))).toMatchObject({
      thresholds: [
        { expression: 'p(95)<100ms', observed: 120, unit: 'ms', verdict: 'fail' },
        { expression: 'refused:count<5', observed: 7, unit: 'count', verdict: 'fail' },
        { expression: 'delivery_rate>90%', observed: 1, unit: 'ratio', verdict: 'pass' },
      ],
      calls: { calls: 40, findings: [{ rule: 'connected_after_missed', calls: 2 }, {}, {}, {}] },
      endpoints: [{ outage_horizon_ms: { surely: 48_000, at_most: 72_000 } }],
    });
  });

  test.each<[Format, string[]]>([
    [
      'table',
      [
        'p(95)<100ms        120 ms    fail',
        'May be down for 48.0 s (1 min 12 s at most) before events are lost',
        '40 calls: 30 Disconnected, 10 Missed',
        '  ! connected after it was missed: 2  (MO1, MO2)',
        '  ! no call_disconnected or call_missed: 1  (MO4)',
        '  · no call_initiated: 5  (MO3)',
        '  · no end yet: under way, or its end is still to come: 3  (MO5)',
        '  MO1\n    call_initiated, MO1, +6.0 s call_connected\n    ! MO1',
      ],
    ],
    [
      'markdown',
      [
        '| p&#40;95&#41;&#60;100ms | 120 ms | ❌ fail |'.replaceAll('&#60;', '&lt;'),
        '| 200×9 503×1 | 48.0 s (1 min 12 s at most) |',
        '40 calls: 30 Disconnected, 10 Missed.',
        '| ⚠️ | connected after it was missed | 2 | MO1, MO2 |',
        '| ⚠️ | no call_disconnected or call_missed | 1 | MO4 |',
        '| ℹ️ | no end yet: under way, or its end is still to come | 3 | MO5 |',
        '- MO1: call&#95;initiated, MO1, &#43;6.0 s call&#95;connected – MO1',
      ],
    ],
    [
      'junit',
      [
        'tests="8" failures="3"',
        '<testcase classname="mo-notify.threshold" name="p(95)&lt;100ms" time="0">',
        '<failure type="threshold" message="it was 120 ms"/>',
        '<testcase classname="mo-notify.threshold" name="delivery_rate&gt;90%" time="0"/>',
      ],
    ],
    [
      'csv',
      [
        'threshold,all,,p(95)<100ms,120,ms,,fail,,,,',
        'endpoint,crm,https://crm.example/hook,outage_horizon_surely,48000,ms',
        'calls,all,,status:Missed,10,count',
        'calls,all,,warn:connected_after_missed,2,count',
      ],
    ],
    [
      'prometheus',
      [
        'mo_notify_threshold_ok{threshold="p(95)<100ms"} 0',
        'mo_notify_threshold_ok{threshold="delivery_rate>90%"} 1',
        'mo_notify_outage_horizon_seconds{endpoint="crm",url="https://crm.example/hook",bound="surely"} 48',
        'mo_notify_calls{status="Missed"} 10',
        'mo_notify_call_findings{rule="connected_after_missed",severity="warn"} 2',
      ],
    ],
    [
      'html',
      [
        '1 of 3 KPIs fails, 2 of 3 thresholds fail; 2 without data',
        '<bdi>p(95)&lt;100ms</bdi>',
        '48.0 s',
        '<p>40 calls: 30 Disconnected, 10 Missed</p>',
        'connected after it was missed',
        'role="rowheader">no call_disconnected or call_missed</th>',
        'role="rowheader">no end yet: under way, or its end is still to come</th>',
        '<time>2026-01-31 12:00:00.000</time> <span class="gap"></span> <bdi>call_initiated</bdi>',
        '<time>no timestamp</time> <span class="gap"></span> <bdi>MO1</bdi>',
        '<time>2026-01-31 12:00:06.000</time> <span class="gap">+6.0 s</span> <bdi>call_connected</bdi>',
      ],
    ],
  ])('are in %s', (format, parts) => {
    const text = render(format);
    for (const part of parts) expect(text).toContain(part);
  });

  test('without calls that are in doubt, the table says so', () => {
    const fine = { ...calls('MO1'), findings: [], timelines: [] };
    expect(render('table', { ...whole(), calls: fine })).toContain('✓ their states fit together');
  });

  test.each([
    ['one warning in as many calls as are shown', [1], 1, 'The call with a warning:'],
    ['and in several', [2], 2, 'All 2 calls with a warning:'],
    ['one warning in more calls', [1234], 5, 'The first 5 of 1,234 calls with a warning:'],
    ['several warnings, maybe of the same calls', [4, 3], 5, 'The first 5 calls with a warning:'],
    ['several warnings of one call', [1, 1], 1, 'The first call with a warning:'],
    ['a warning each', [1, 2], 3, 'All 3 calls with a warning:'],
  ])('the page says which calls it shows: %s', (_, warned, shown, said) => {
    const all = calls('MO1');
    const note: Finding = { rule: 'no_beginning', severity: 'info', calls: 9, examples: ['MO3'] };
    const warning: Finding = { rule: 'duration', severity: 'warn', calls: 1, examples: ['MO1'] };
    const findings = [...warned.map((n) => ({ ...warning, calls: n })), note];
    const timelines = Array.from({ length: shown }, () => all.timelines[0] as CallTimeline);
    expect(render('html', { ...whole(), calls: { ...all, findings, timelines } })).toContain(
      `<p>${said}</p>`,
    );
    const none = { ...all, findings: [note], timelines: [] };
    expect(render('html', { ...whole(), calls: none })).not.toContain('with a warning');
  });

  test('an event before the one it follows has a negative gap', () => {
    const all = calls('MO1');
    const at = (event: string, second: number) => ({
      event,
      event_id: null,
      timestamp: `2026-01-31T12:00:0${second}.000Z`,
    });
    const events = [at('call_missed', 8), at('call_connected', 6)];
    const timelines = [{ ...(all.timelines[0] as CallTimeline), events }];
    expect(render('html', { ...whole(), calls: { ...all, timelines } })).toContain(
      '<span class="gap">−2.0 s</span> <bdi>call_connected</bdi>',
    );
  });

  test.each([40, 60, 100])('the table fits %i columns', (width) => {
    const text = RENDERERS.table(whole(), { style: STYLE, width, strict: false, indent: true });
    const lines = text.split('\n').slice(2);
    expect(lines.filter((line) => line.length > width)).toEqual([]);
  });

  test.each(FORMAT_NAMES)('F1, F3 hostile text is text in %s', (format) => {
    const text = render(format, whole(HOSTILE));
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there
    expect(text.replaceAll('\r\n', '')).not.toMatch(/[\u001b\u0007\u202e]/);
    if (format === 'html' || format === 'markdown' || format === 'junit') expect(text).not.toContain('<img');
    if (format === 'junit') expect(XMLValidator.validate(text)).toBe(true);
  });
});

const PARSER = [
  '-c',
  'import sys, json; from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse; print(json.dumps([[f.name, f.type, [[s.name, s.labels, s.value] for s in f.samples]] for f in parse(sys.stdin.read())]))',
];
const PYTHON = '/usr/bin/python3';
const parse = (text: string) => spawnSync(PYTHON, PARSER, { input: text, encoding: 'utf8' });
/** In CI nothing is skipped: there it fails and says why. */
const noParser = parse('# EOF\n').status !== 0 && (process.env.CI ?? '') === '';

describe.skipIf(noParser)(
  `OpenMetrics, as Prometheus's own client reads it${noParser ? ' (skipped: no python3-prometheus-client)' : ''}`,
  () => {
    test.each([
      ['everything', whole()],
      ['hostile text', whole(HOSTILE)],
      ['nothing', buildReport({ ...tally('crm'), endpoints: [] }, { from: null, to: null })],
    ])('%s', (name, report) => {
      const { stdout, stderr, status } = parse(`${render('prometheus', report)}\n`);
      expect([status, stderr]).toEqual([0, '']);
      const families = JSON.parse(stdout) as [string, string, [string, Record<string, string>, number][]][];
      const samples = families.flatMap(([, , all]) => all);
      expect(samples.length).toBeGreaterThan(4);
      if (name !== 'everything') return;
      const at = { endpoint: 'crm', url: 'https://crm.example/hook' };
      expect(samples).toContainEqual(['mo_notify_attempts_total', at, 10]);
      expect(families.map(([family, type]) => [family, type])).toContainEqual([
        'mo_notify_delivery_latency_seconds',
        'summary',
      ]);
    });
  },
);

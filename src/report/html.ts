import { createHash } from 'node:crypto';
import type { Kpi } from '../core/kpi.ts';
import { formatObserved, type ThresholdVerdict } from '../core/threshold.ts';
import { formatDuration } from '../core/time.ts';
import { VERSION } from '../core/version.ts';
import { type CallSummary, type CallTimeline, findingLabel } from './calls.ts';
import { answersOf, listCounts, statusKind } from './counts.ts';
import { STYLE } from './html-style.ts';
import { html, Markup, outside, outsideText } from './markup.ts';
import { bar, kpiScale, latencyPlot } from './plots.ts';
import type { EndpointReport, Report } from './report.ts';
import { describeCalls, describeKpi, formatAmount } from './wording.ts';

const MARKS = { pass: '✓', fail: '✗', 'no data': '–' } as const;
const KINDS = { pass: 'good', fail: 'bad', 'no data': 'none' } as const;

/** The report as one page that needs nothing but itself: no script, no request; the policy forbids both. */
export function renderHtml(report: Report): string {
  const { kpis, thresholds, calls, notes } = report;
  const endpoints = report.endpoints.toSorted(worstFirst);
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy()}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Delivery report – mo-notify</title>
${new Markup(`<style>${STYLE}</style>`)}
</head>
<body>
${header(report)}
<main>
${kpiTable(kpis)}
${thresholds === undefined ? '' : thresholdTable(thresholds)}
${notes.length === 0 ? '' : html`<section class="notes"><h2>Notes</h2><ul>${notes.map((note) => html`<li>${outside(note, 500)}</li>`)}</ul></section>`}
<section>
<h2>Endpoints</h2>
${endpoints.length === 0 ? html`<p class="empty">No attempts on record.</p>` : endpointTable(endpoints, kpis)}
</section>
${endpoints.map((endpoint) => endpointCard(endpoint, slowest(endpoints)))}
${calls === undefined ? '' : callSection(calls)}
</main>
<footer>
<p>Evidence is <em>strong</em> where the whole 95 % interval meets the threshold, or where enough deliveries went without a
failure; else it is <em>weak</em>, with the sample it would take.</p>
<p>mo-notify ${VERSION}</p>
</footer>
</body>
</html>`.text;
}

// The style is named by its hash, so that no other one counts even if it got in.
function policy(): string {
  const hash = createHash('sha256').update(STYLE).digest('base64');
  return `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'`;
}

function header({ window, totals, kpis, thresholds = [] }: Report): Markup {
  const [verdict, text] = judgement(kpis, thresholds);
  return html`<header>
<h1>Delivery report</h1>
<p class="window">${windowOf(window)}</p>
<p class="verdict ${KINDS[verdict]}"><span aria-hidden="true">${MARKS[verdict]}</span> ${text}</p>
<dl class="totals">${Object.entries(totals).map(([name, n]) => html`<div><dt>${name}</dt><dd>${n}</dd></div>`)}</dl>
</header>`;
}

/** All KPIs and thresholds in one sentence. */
function judgement(kpis: readonly Kpi[], thresholds: readonly ThresholdVerdict[]): [Kpi['verdict'], string] {
  const without = kpis.filter(({ verdict }) => verdict === 'no data').length;
  const judged = kpis.length - without;
  const failed = kpis.filter(({ verdict }) => verdict === 'fail').length;
  const unmet = thresholds.filter(({ verdict }) => verdict !== 'pass').length;
  const said = [
    ...(judged === 0 ? [] : [tell(failed, judged, 'KPIs')]),
    ...(thresholds.length === 0 ? [] : [tell(unmet, thresholds.length, 'thresholds')]),
  ];
  const rest = without > 0 && judged > 0 ? `; ${without} without data` : '';
  if (said.length === 0) return ['no data', 'No data to judge'];
  return [failed + unmet > 0 ? 'fail' : 'pass', said.join(', ') + rest];
}

function tell(failed: number, all: number, what: string): string {
  if (failed === 0) return `${all} of ${all} ${what} pass`;
  return `${failed} of ${all} ${what} ${failed === 1 ? 'fails' : 'fail'}`;
}

function windowOf({ from, to }: Report['window']): Markup | string {
  if (from === null && to === null) return 'No records';
  const time = (at: string | null) =>
    at === null ? '…' : html`<time datetime="${at}">${at.slice(0, 19).replace('T', ' ')}</time>`;
  const length = from === null || to === null ? Number.NaN : Date.parse(to) - Date.parse(from);
  return html`${time(from)} to ${time(to)} UTC${length > 0 ? ` (${formatDuration(length)})` : ''}`;
}

function kpiTable(kpis: readonly Kpi[]): Markup {
  return html`<section>
<h2>KPIs</h2>
${table(
  'Observed value (dot, or diamond where it falls short) and 95 % interval (line) on a scale; the shaded side of the threshold meets it.',
  ['KPI', 'Observed', 'Threshold', 'Verdict', 'Evidence', '95 % interval', 'Scale'],
  kpis.map((kpi) => {
    const { label, observed, threshold, evidence, interval } = describeKpi(kpi);
    return [
      label,
      html`<b>${observed}</b>`,
      threshold,
      chip(kpi.verdict),
      evidence || '–',
      interval || '–',
      kpiScale(kpi),
    ];
  }),
  'kpis',
)}
</section>`;
}

function chip(verdict: Kpi['verdict']): Markup {
  return html`<span class="chip ${KINDS[verdict]}"><span aria-hidden="true">${MARKS[verdict]}</span> ${verdict}</span>`;
}

function thresholdTable(thresholds: readonly ThresholdVerdict[]): Markup {
  const rows = thresholds.map((one) => [
    outside(one.expression),
    html`<b>${formatObserved(one)}</b>`,
    chip(one.verdict),
  ]);
  return html`<section>
<h2>Thresholds</h2>
${table('Other thresholds that were asked for.', ['Threshold', 'Observed', 'Verdict'], rows, 'thresholds')}
</section>`;
}

function callSection(calls: CallSummary): Markup {
  const rows = calls.findings.map(({ rule, severity, calls: n, examples }) => [
    findingLabel({ rule, severity }),
    html`<span class="chip ${severity === 'warn' ? 'warn' : 'none'}">${severity === 'warn' ? 'warning' : 'note'}</span>`,
    html`${n}`,
    html`${examples.map((id, i) => html`${i === 0 ? '' : ', '}${outside(id, 60)}`)}`,
  ]);
  return html`<section>
<h2>Calls</h2>
<p>${describeCalls(calls)}</p>
${rows.length === 0 ? '' : table('What in the calls’ states does not fit.', ['Found', 'Severity', 'Calls', 'Such as'], rows, 'calls')}
${calls.timelines.length === 0 ? '' : html`<p>${whichTimelines(calls)}:</p>`}
${calls.timelines.map(
  (one) => html`<h3>${outside(one.call_id, 60)}</h3>
<ol class="timeline">${timelineItems(one)}</ol>
<ul class="findings">${one.findings.map((text) => html`<li>${outside(text, 200)}</li>`)}</ul>
`,
)}
</section>`;
}

/** `The first 5 of 7 calls with a warning`. A call may have several, so that their sum says how many only at times. */
function whichTimelines({ findings, timelines: { length: shown } }: CallSummary): string {
  const warned = findings.filter(({ severity }) => severity === 'warn').map(({ calls }) => calls);
  const least = Math.max(shown, ...warned);
  const known = least === warned.reduce((sum, n) => sum + n, 0);
  if (known && least === shown)
    return shown === 1 ? 'The call with a warning' : `All ${shown} calls with a warning`;
  if (known) return `The first ${shown} of ${least.toLocaleString('en-US')} calls with a warning`;
  return shown === 1 ? 'The first call with a warning' : `The first ${shown} calls with a warning`;
}

/** Each event at its time, with the time since the one before. */
function timelineItems({ events }: CallTimeline): Markup[] {
  let before: number | null = null;
  return events.map(({ event, timestamp }) => {
    const at = timestamp === null ? null : Date.parse(timestamp);
    const ms = before === null || at === null ? null : at - before;
    before = at ?? before;
    const gap = ms === null ? '' : `${ms < 0 ? '−' : '+'}${formatDuration(Math.abs(ms))}`;
    const time = timestamp === null ? 'no timestamp' : timestamp.slice(0, 23).replace('T', ' ');
    return html`<li><time>${time}</time> <span class="gap">${gap}</span> ${outside(event, 60)}</li>`;
  });
}

function worstFirst(a: EndpointReport, b: EndpointReport): number {
  return (a.success_rate ?? 2) - (b.success_rate ?? 2) || b.attempts - a.attempts;
}

function endpointTable(endpoints: readonly EndpointReport[], kpis: readonly Kpi[]): Markup {
  const rate = (name: 'success_rate' | 'delivery_rate', value: number | null) => {
    const shown = formatAmount('ratio', value);
    const threshold = kpis.find((kpi) => kpi.name === name)?.threshold ?? 0;
    if (value === null || value >= threshold) return shown;
    return html`<span class="chip bad"><span role="img" aria-label="below its threshold:">${MARKS.fail}</span> ${shown}</span>`;
  };
  const percentiles = ['p50', 'p90', 'p95', 'p99', 'max'] as const;
  return table(
    'Each endpoint’s events, attempts and delivery latency, and how long it may be down before events are lost.',
    ['Endpoint', 'Events', 'Attempts', 'Success', 'Delivered', ...percentiles, 'May be down for'],
    endpoints.map((e) => [
      outside(e.name),
      html`${e.events}`,
      html`${e.attempts}`,
      rate('success_rate', e.success_rate),
      rate('delivery_rate', e.delivery_rate),
      ...percentiles.map((p) => formatAmount('ms', e.latency_ms[p])),
      formatDuration(e.outage_horizon_ms.surely),
    ]),
    'figures',
  );
}

function endpointCard(endpoint: EndpointReport, slowestOfAll: number): Markup {
  const { name, url, attempts, events, latency_ms: latency } = endpoint;
  return html`<article>
<h3>${outside(name)}</h3>
<p class="url">${outside(url, 500)}</p>
<div class="plots">
<figure><figcaption>Latency, due to first 2xx</figcaption>
${latency.p50 === null ? html`<p class="empty">Nothing was delivered.</p>` : latencyPlot(endpoint, slowestOfAll)}
</figure>
${counts('Status codes', 'Status', answersOf(endpoint), attempts, statusKind)}
${counts('Outcomes', 'Outcome', endpoint.outcomes, attempts, (outcome) => (outcome === 'delivered' ? 'good' : 'bad'))}
${counts('Events by type', 'Type', endpoint.events_by_type, events, () => 'neutral')}
</div>
</article>`;
}

function counts(
  caption: string,
  head: string,
  tally: Record<string, number>,
  total: number,
  kind: (key: string) => string,
): Markup | string {
  const rows = listCounts(tally, MOST_ROWS).map(([key, n]) => {
    const share = total === 0 ? 0 : n / total;
    const said = `${outsideText(key)}: ${formatAmount('ratio', share)}`;
    return html`<tr><th scope="row">${outside(key, 60)}</th><td>${bar(share, kind(key), said)}</td><td>${n}</td></tr>`;
  });
  if (rows.length === 0) return '';
  return html`<table class="counts"><caption>${caption}</caption>
<thead><tr><th scope="col">${head}</th><th scope="col">Share</th><th scope="col">Count</th></tr></thead>
<tbody>${rows}</tbody></table>`;
}

const MOST_ROWS = 12;

/** A table that is a list of cards on a narrow page; the roles keep it a table for those who hear it. */
function table(caption: string, head: string[], rows: (string | Markup)[][], kind: string): Markup {
  const cell = (content: string | Markup, i: number) =>
    i === 0
      ? html`<th scope="row" role="rowheader">${content}</th>`
      : html`<td role="cell" data-label="${head[i] ?? ''}">${content}</td>`;
  return html`<table class="cards ${kind}" role="table"><caption>${caption}</caption>
<thead role="rowgroup"><tr role="row">${head.map((name) => html`<th scope="col" role="columnheader">${name}</th>`)}</tr></thead>
<tbody role="rowgroup">${rows.map((row) => html`<tr role="row">${row.map(cell)}</tr>\n`)}</tbody></table>`;
}

function slowest(endpoints: readonly EndpointReport[]): number {
  return endpoints.reduce((most, { latency_ms }) => Math.max(most, latency_ms.max ?? 0), 0);
}

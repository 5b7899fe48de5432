import type { Kpi } from '../core/kpi.ts';
import { visible } from '../core/redact.ts';
import { formatObserved, type ThresholdVerdict } from '../core/threshold.ts';
import { kpiPasses, type Report } from './report.ts';
import { describeKpi } from './wording.ts';

/** A test case a KPI and a threshold, for CI; one without data is skipped, and with `strict` so is no weak pass. */
export function renderJunit(report: Report, strict: boolean): string {
  const { kpis, thresholds = [], window } = report;
  const unmet = thresholds.filter(({ verdict }) => verdict !== 'pass').length;
  const failures = kpis.filter((kpi) => !kpiPasses(kpi, strict)).length + unmet;
  const skipped = kpis.filter(({ verdict }) => verdict === 'no data').length;
  const tests = kpis.length + thresholds.length;
  const counts = `tests="${tests}" failures="${failures}" errors="0" skipped="${skipped}" time="0"`;
  const at = window.to === null ? '' : ` timestamp="${window.to.slice(0, 19)}"`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="mo-notify" ${counts}>`,
    `  <testsuite name="mo-notify report" ${counts}${at}>`,
    '    <properties>',
    ...Object.entries(report.totals).map(([name, n]) => `      <property name="${name}" value="${n}"/>`),
    '    </properties>',
    ...kpis.map((kpi) => testCase(kpi, strict)),
    ...thresholds.map(thresholdCase),
    ...(report.notes.length === 0 ? [] : [`    <system-out>${xml(report.notes.join('\n'))}</system-out>`]),
    '  </testsuite>',
    '</testsuites>',
  ].join('\n');
}

function testCase(kpi: Kpi, strict: boolean): string {
  const open = `    <testcase classname="mo-notify.kpi" name="${kpi.name}" time="0"`;
  const { label, observed, threshold, evidence, interval } = describeKpi(kpi);
  const said = `${label}: ${observed}, wanted ${threshold}`;
  if (kpi.verdict === 'no data') return `${open}>\n      <skipped message="no data"/>\n    </testcase>`;
  if (kpiPasses(kpi, strict)) return `${open}/>`;
  const type = kpi.verdict === 'fail' ? 'threshold' : 'weak evidence';
  const detail = `95 % interval ${interval}; evidence ${evidence}`;
  return `${open}>\n      <failure type="${type}" message="${xml(said)}">${xml(detail)}</failure>\n    </testcase>`;
}

/** One that was asked for and has nothing to be judged by is not met. */
function thresholdCase(threshold: ThresholdVerdict): string {
  const open = `    <testcase classname="mo-notify.threshold" name="${xml(threshold.expression)}" time="0"`;
  if (threshold.verdict === 'pass') return `${open}/>`;
  const said = threshold.verdict === 'no data' ? 'no data' : `it was ${formatObserved(threshold)}`;
  return `${open}>\n      <failure type="threshold" message="${xml(said)}"/>\n    </testcase>`;
}

function xml(text: string): string {
  return visible(text, 2000)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

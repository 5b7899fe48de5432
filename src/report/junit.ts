import type { Kpi } from '../core/kpi.ts';
import { visible } from '../core/redact.ts';
import { kpiPasses, type Report } from './report.ts';
import { describeKpi } from './wording.ts';

/** A test case a KPI, for CI; one without data is skipped, and with `strict` so is no weak pass. */
export function renderJunit(report: Report, strict: boolean): string {
  const { kpis, window } = report;
  const failures = kpis.filter((kpi) => !kpiPasses(kpi, strict)).length;
  const skipped = kpis.filter(({ verdict }) => verdict === 'no data').length;
  const counts = `tests="${kpis.length}" failures="${failures}" errors="0" skipped="${skipped}" time="0"`;
  const at = window.to === null ? '' : ` timestamp="${window.to.slice(0, 19)}"`;
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="mo-notify" ${counts}>`,
    `  <testsuite name="mo-notify report" ${counts}${at}>`,
    '    <properties>',
    ...Object.entries(report.totals).map(([name, n]) => `      <property name="${name}" value="${n}"/>`),
    '    </properties>',
    ...kpis.map((kpi) => testCase(kpi, strict)),
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

function xml(text: string): string {
  return visible(text, 2000)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

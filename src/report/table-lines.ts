import { maskNumbers, visible } from '../core/redact.ts';
import { type CallSummary, findingLabel } from './calls.ts';
import type { EndpointReport } from './report.ts';
import type { TableStyle } from './table-style.ts';
import { describeCalls, describeHorizon, describeTimeline } from './wording.ts';

// What a report says in sentences rather than in columns.

/** How long endpoints may be down; those for which it is the same share a line. */
export function renderHorizons(
  endpoints: readonly EndpointReport[],
  style: TableStyle,
  width: number,
): string {
  const names = new Map<string, string[]>();
  for (const { name, outage_horizon_ms: horizon } of endpoints) {
    const said = describeHorizon(horizon);
    names.set(said, [...(names.get(said) ?? []), visible(maskNumbers(name), 40)]);
  }
  return [...names]
    .flatMap(([said, which]) =>
      wrap(
        `${names.size > 1 ? `${which.join(', ')}: may` : 'May'} be down for ${said} before events are lost`,
        width,
      ),
    )
    .map((line) => style.dim(line))
    .join('\n');
}

/** How the calls went, what in their states does not fit, and the first ones of those. */
export function renderCalls(calls: CallSummary, style: TableStyle, width: number): string {
  const item = (indent: string, severity: string, text: string) => {
    const mark = severity === 'warn' ? style.warn('!') : style.dim('·');
    const [first = '', ...rest] = wrap(text, width - indent.length - 2);
    return [`${indent}${mark} ${first}`, ...rest.map((line) => `${indent}  ${line}`)];
  };
  const findings = calls.findings.flatMap(({ rule, severity, calls: n, examples }) =>
    item(
      '  ',
      severity,
      `${findingLabel({ rule, severity })}: ${n}  (${examples.map((id) => visible(id, 40)).join(', ')})`,
    ),
  );
  const timelines = calls.timelines.flatMap((one) => [
    `  ${style.strong(visible(one.call_id, width - 2))}`,
    ...wrap(visible(describeTimeline(one), 300), width - 4).map((line) => `    ${line}`),
    ...one.findings.flatMap((text) => item('    ', 'warn', visible(text, 200))),
  ]);
  const fine = calls.calls > 0 && calls.findings.every(({ severity }) => severity !== 'warn');
  return [
    ...wrap(describeCalls(calls), width),
    ...findings,
    ...(fine ? [`  ${style.good('✓')} their states fit together`] : []),
    ...timelines,
  ].join('\n');
}

/** Lines of at most `width` columns, broken between words; a longer word is broken itself. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ').flatMap((one) => one.match(new RegExp(`.{1,${width}}`, 'gu')) ?? [''])) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, line];
}

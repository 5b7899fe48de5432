import { parseThreshold as parseKpiThreshold } from '../core/kpi.ts';
import { emptyReceiptTally } from '../core/tally.ts';
import { parseThreshold } from '../core/threshold.ts';
import { type JudgeOptions, reportFigures } from '../report/report.ts';

const EXAMPLES = 'success_rate>=99.9%, webhook_latency_median<=2s, p(95)<5s, max<30s or refused:count<5';
const AGGREGATIONS = ['p', 'med', 'avg', 'min', 'max', 'count', 'rate'];

/** A KPI's name has that KPI's own threshold replaced; any other expression is one more to meet. Throws UsageError. */
export function parseReportThresholds(texts: readonly string[]): Pick<JudgeOptions, 'kpis' | 'expressions'> {
  const none = reportFigures({ endpoints: [], received: emptyReceiptTally(), from: null, to: null });
  const words = new Set([...AGGREGATIONS, ...Object.keys(none.trends), ...Object.keys(none.counts)]);
  const isExpression = (text: string) =>
    /[(:!]|==/.test(text) || words.has(/^\s*([a-z_]+)/.exec(text)?.[1] ?? '');
  return {
    kpis: Object.fromEntries(texts.filter((text) => !isExpression(text)).map(parseKpiThreshold)),
    expressions: texts.filter(isExpression).map((text) => parseThreshold(text, none, EXAMPLES)),
  };
}

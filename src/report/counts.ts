import type { EndpointReport } from './report.ts';

/** The most frequent first; all beyond `most` rows are one row, `others`. */
export function listCounts(counts: Record<string, number>, most: number): [string, number][] {
  const sorted = Object.entries(counts).sort(([, a], [, b]) => b - a);
  if (sorted.length <= most) return sorted;
  const rest = sorted.slice(most - 1);
  return [
    ...sorted.slice(0, most - 1),
    [`${rest.length} others`, rest.reduce((sum, [, n]) => sum + n, 0)] as [string, number],
  ];
}

/** An endpoint's statuses, and the attempts that got none (a timeout, a refused connection), so that they add up. */
export function answersOf({ attempts, statuses }: EndpointReport): Record<string, number> {
  const answered = Object.values(statuses).reduce((sum, n) => sum + n, 0);
  return attempts > answered ? { ...statuses, none: attempts - answered } : statuses;
}

/** What an answer means, by its status; none at all is as bad as a 5xx. */
export function statusKind(status: string): 'good' | 'neutral' | 'warn' | 'bad' {
  if (/^2\d\d$/.test(status)) return 'good';
  if (/^4\d\d$/.test(status)) return 'warn';
  return /^(none|[15]\d\d)$/.test(status) ? 'bad' : 'neutral';
}

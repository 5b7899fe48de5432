import { visible } from '../core/redact.ts';

export type Labels = Record<string, string>;
/** What follows the family's name, the labels, the value. */
export type Sample = [suffix: string, labels: Labels, value: number];

/** Collects OpenMetrics 1.0 text, a family at a time; one without samples is left out. */
export class MetricFamilies {
  readonly #lines: string[] = [];

  add(name: string, type: 'gauge' | 'counter' | 'summary', help: string, samples: readonly Sample[]): void {
    if (samples.length === 0) return;
    this.#lines.push(`# TYPE ${name} ${type}`, `# HELP ${name} ${help}`);
    for (const [suffix, labels, value] of samples)
      this.#lines.push(`${name}${suffix}${labelText(labels)} ${value}`);
  }

  text(): string {
    return [...this.#lines, '# EOF'].join('\n');
  }
}

function labelText(labels: Labels): string {
  const pairs = Object.entries(labels).map(
    ([name, value]) => `${name}="${visible(value, 2000).replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`,
  );
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

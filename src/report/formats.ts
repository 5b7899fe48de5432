import { visibleJson } from '../core/redact.ts';
import { renderCsv } from './csv.ts';
import { renderHtml } from './html.ts';
import { renderJunit } from './junit.ts';
import { renderMarkdown } from './markdown.ts';
import { renderOpenMetrics } from './openmetrics.ts';
import type { Report } from './report.ts';
import { renderTable } from './table.ts';
import type { TableStyle } from './table-style.ts';

export interface RenderOptions {
  style: TableStyle;
  /** Columns of a terminal. */
  width: number;
  /** Only strong evidence passes. */
  strict: boolean;
  /** JSON on several lines. */
  indent: boolean;
}

export const FORMAT_NAMES = ['table', 'json', 'markdown', 'junit', 'html', 'prometheus', 'csv'] as const;
export type Format = (typeof FORMAT_NAMES)[number];

/** A report in each format, without the final newline. */
export const RENDERERS = {
  table: (report, { style, width }) => renderTable(report, style, width),
  json: (report, { indent }) => visibleJson(report, indent ? 2 : 0),
  markdown: renderMarkdown,
  junit: (report, { strict }) => renderJunit(report, strict),
  html: renderHtml,
  prometheus: renderOpenMetrics,
  csv: renderCsv,
} as const satisfies Record<Format, (report: Report, options: RenderOptions) => string>;

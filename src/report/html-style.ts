/** The HTML report's style: system fonts, 360 px to wide, dark where it is wished for, ink-saving in print. */
export const STYLE = `
:root {
  --page: #f4f6f9; --card: #fff; --line: #dde2ea; --text: #182030; --dim: #566072;
  --track: #e8ecf2; --meets: #cfe8d9; --accent: #3460d4;
  --good: #17764a; --bad: #c02b3a; --warn: #b26a00; --none: #667085;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #0e1218; --card: #171c25; --line: #2b3341; --text: #e7ebf2; --dim: #a0aaba;
    --track: #29313e; --meets: #1d4a35; --accent: #7c9fff;
    --good: #4dc48c; --bad: #ff7d87; --warn: #f0b04f; --none: #98a2b3;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 32px 24px; max-width: 1180px; background: var(--page); color: var(--text);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Liberation Sans", Arial, sans-serif;
  font-variant-numeric: tabular-nums;
}
bdi { overflow-wrap: anywhere; }
h1, h2, h3 { margin: 0; line-height: 1.25; text-wrap: balance; }
h1 { font-size: 28px; letter-spacing: -0.015em; }
h2 { font-size: 19px; }
h3 { font-size: 17px; }
p, dl, dd, figure { margin: 0; }
.window, .url, .empty, footer, caption, figcaption { color: var(--dim); }
.good { --kind: var(--good); } .bad { --kind: var(--bad); } .warn { --kind: var(--warn); }
.neutral { --kind: var(--accent); } .none { --kind: var(--none); }

.verdict {
  margin: 16px 0; padding: 10px 16px; border: 1px solid var(--kind); border-left-width: 6px; border-radius: 8px;
  background: var(--card); font-size: 18px; font-weight: 600;
}
.verdict span, .chip { color: var(--kind); }
.chip { font-weight: 600; white-space: nowrap; }
.totals { display: grid; grid-template-columns: repeat(auto-fit, minmax(120px, 1fr)); gap: 12px; }
.totals div, section, article { background: var(--card); border: 1px solid var(--line); border-radius: 10px; }
.totals div { padding: 10px 16px; display: flex; flex-direction: column-reverse; }
.totals dt { color: var(--dim); font-size: 13px; }
.totals dt::first-letter { text-transform: uppercase; }
.totals dd { font-size: 24px; font-weight: 600; line-height: 1.2; }
section, article { margin-top: 20px; padding: 20px; }
.notes { border-left: 6px solid var(--warn); }
.notes ul { margin: 8px 0 0; padding-left: 20px; }
footer { margin-top: 24px; font-size: 13px; }
footer p + p { margin-top: 8px; }

table { width: 100%; border-collapse: collapse; }
caption, figcaption { padding: 2px 0 10px; text-align: left; font-size: 13px; }
th, td { padding: 8px 12px 8px 0; border-top: 1px solid var(--line); text-align: left; vertical-align: middle; }
thead th { border-top: 0; padding-top: 0; color: var(--dim); font-size: 13px; font-weight: 500; white-space: nowrap; }
tbody th { font-weight: 600; }
.kpis td:last-child { width: 29%; padding-right: 0; }
.figures th:not(:first-child), .figures td { text-align: right; white-space: nowrap; }
.figures th:last-child, .figures td:last-child { padding-right: 0; }

section > h3 { margin-top: 20px; }
.timeline { margin: 6px 0 4px; padding-left: 22px; }
.timeline time { display: inline-block; min-width: 11.5em; color: var(--dim); }
.timeline .gap { display: inline-block; min-width: 4.5em; margin-right: 8px; text-align: right; }
.findings { margin: 0 0 14px; padding-left: 22px; color: var(--warn); }
section > p { margin: 6px 0 12px; }
table + p { margin-top: 20px; }
p + h3 { margin-top: 0; }

.plots { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 20px 40px; margin-top: 16px; align-items: start; }
.counts caption, figcaption { color: var(--text); font-size: 14px; font-weight: 600; }
.counts { table-layout: fixed; }
.counts th, .counts td { padding: 5px 12px 5px 0; }
.counts thead th { font-size: 12px; }
.counts th:first-child { width: 44%; }
.counts th:last-child, .counts td:last-child { width: 84px; padding-right: 0; text-align: right; }
.counts tbody th { font-weight: 500; }

svg { display: block; }
text { fill: var(--dim); font-size: 11.5px; }
.limit-label, .key, .value { fill: var(--text); font-size: 12.5px; }
.key { font-weight: 600; }
.track { fill: var(--track); }
.meets { fill: var(--meets); }
.limit { stroke: var(--text); stroke-width: 2; }
.interval { stroke: var(--text); stroke-width: 2; }
.grid { stroke: var(--line); }
.observed { fill: var(--good); stroke: var(--card); stroke-width: 2; }
.observed.bad { fill: var(--bad); }
.bar rect:not(.track) { fill: var(--kind); }
.p50, .p90, .p95, .p99, .max { fill: var(--accent); }
.p90 { fill-opacity: 0.88; } .p95 { fill-opacity: 0.76; } .p99 { fill-opacity: 0.64; } .max { fill-opacity: 0.5; }

@media screen and (min-width: 961px) { .kpis td:not(:nth-child(5)) { white-space: nowrap; } }
@media screen and (max-width: 960px) {
  body { padding: 20px 14px; }
  section, article { padding: 16px; }
  .cards, .cards caption, .cards tbody { display: block; }
  .cards thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  .cards tr {
    display: grid; grid-template-columns: repeat(auto-fill, minmax(130px, 1fr)); gap: 8px 16px;
    padding: 12px 0; border-top: 1px solid var(--line);
  }
  .figures tr { grid-template-columns: repeat(auto-fill, minmax(84px, 1fr)); }
  .cards tr > *, .figures tr > *, .kpis td:last-child { border: 0; padding: 0; width: auto; text-align: left; }
  .cards tr > :first-child, .kpis tr > :last-child, .calls tr > :last-child { grid-column: 1 / -1; }
  td[data-label]::before { content: attr(data-label); content: attr(data-label) / ""; display: block; color: var(--dim); font-size: 12px; }
  .kpis td:last-child::before { content: none; }
}
@media screen and (max-width: 720px) { .plots { grid-template-columns: minmax(0, 1fr); } }
@media screen and (max-width: 520px) {
  .cards tr { grid-template-columns: repeat(auto-fill, minmax(112px, 1fr)); }
  .figures tr { grid-template-columns: repeat(auto-fill, minmax(84px, 1fr)); }
  .totals { display: flex; flex-wrap: wrap; gap: 8px; }
  .totals div { flex: 1 1 84px; padding: 8px 12px; }
  .timeline time, .timeline .gap { min-width: 0; }
  .timeline time { font-size: 13px; }
  .counts { font-size: 14px; }
  .counts th:first-child { width: 47%; }
  .counts th:last-child, .counts td:last-child { width: 62px; }
}
@media print {
  @page { margin: 14mm; }
  :root {
    color-scheme: light;
    --page: #fff; --card: #fff; --line: #c9cfd8; --text: #000; --dim: #444c59; --track: #e8ecf2; --meets: #cfe8d9;
    --accent: #3460d4; --good: #17764a; --bad: #c02b3a; --warn: #b26a00; --none: #667085;
  }
  body { padding: 0; max-width: none; font-size: 12px; }
  th, td { padding-right: 8px; }
  .kpis td:nth-child(-n + 4) { white-space: nowrap; }
  .kpis td:last-child { width: 28%; }
  section, article, tr, .verdict, .totals { break-inside: avoid; }
  section, article { margin-top: 12px; padding: 12px; }
}
`;

import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import { formatClock, formatDuration } from '../../core/time.ts';
import type { KpiPage } from '../wire.ts';
import { dayAndMonth } from './show.tsx';

const HEIGHT = 220;

/** How many events took how long, on a logarithmic scale. `bars` are upper ends with counts. */
export function DistributionPlot({ title, bars }: { title: string; bars: [ms: number, count: number][] }) {
  const total = bars.reduce((sum, [, count]) => sum + count, 0);
  const said =
    total === 0
      ? 'no data'
      : `${total.toLocaleString()} events; half took up to ${quantile(bars, 0.5)}, 95 % up to ${quantile(bars, 0.95)}`;
  const label = (i: number) =>
    bars[i] === undefined ? '' : formatDuration((bars[i] as [number, number])[0]);
  return (
    <Plot
      title={title}
      said={said}
      data={total === 0 ? null : [bars.map((_, i) => i), bars.map(([, count]) => count)]}
      options={(colors) => ({
        scales: {
          x: { time: false, range: (_, min, max) => [min - 0.6, max + 0.6] },
          y: { range: (_, __, max) => [0, max * 1.05] },
        },
        axes: [
          {
            ...axis(colors),
            values: (_, places) => places.map((i) => (Number.isInteger(i) ? label(i) : '')),
            space: 70,
          },
          {
            ...axis(colors),
            values: (_, counts) => counts.map((n) => (Number.isInteger(n) ? n.toLocaleString() : '')),
          },
        ],
        series: [
          {},
          {
            fill: colors.accent,
            paths: uPlot.paths.bars?.({ size: [0.85, 60], radius: 0.1 }) as uPlot.Series.PathBuilder,
            points: { show: false },
          },
        ],
      })}
    />
  );
}

const LINES = [
  ['received', 'accent', 'received'],
  ['refused', 'bad', 'refused'],
  ['duplicates', 'warn', 'duplicates'],
  ['sent', 'good', 'sent'],
  ['failed', 'none', 'failed'],
] as const;

/** What came and went in each step of time. */
export function RatePlot({ rates: { from_ms, step_ms, steps } }: { rates: KpiPage['rates'] }) {
  const times = steps.received.map((_, i) => (from_ms + i * step_ms) / 1000);
  const shown = LINES.filter(([key]) => steps[key].some((count) => count > 0));
  const said =
    shown.length === 0
      ? 'no data'
      : `every ${formatDuration(step_ms)}; most at once: ${shown.map(([key, , name]) => `${Math.max(...steps[key]).toLocaleString()} ${name}`).join(', ')}`;
  return (
    <Plot
      title="Rate over time"
      said={said}
      legend={shown.map(([, color, name]) => [color, name])}
      data={shown.length === 0 ? null : [times, ...shown.map(([key]) => steps[key])]}
      options={(colors) => ({
        scales: {
          // A single step would be drawn on an axis of years.
          x: {
            range: (_, min, max) => (min === max ? [min - step_ms / 1000, max + step_ms / 1000] : [min, max]),
          },
          y: { range: (_, __, max) => [0, Math.max(1, max * 1.05)] },
        },
        axes: [
          { ...axis(colors), space: 80, values: (_, seconds) => seconds.map(timeOfDay) },
          {
            ...axis(colors),
            values: (_, counts) => counts.map((n) => (Number.isInteger(n) ? n.toLocaleString() : '')),
          },
        ],
        series: [
          {},
          ...shown.map(([, color]) => ({
            stroke: colors[color],
            width: 2,
            points: { show: times.length < 3 },
          })),
        ],
      })}
    />
  );
}

type Colors = Record<'accent' | 'good' | 'bad' | 'warn' | 'none' | 'dim' | 'line', string>;

interface PlotProps {
  title: string;
  /** What it shows, in words: for those who do not see it, and beneath it. */
  said: string;
  legend?: [color: keyof Colors, name: string][];
  data: uPlot.AlignedData | null;
  options: (colors: Colors) => Pick<uPlot.Options, 'scales' | 'axes' | 'series'>;
}

/** A plot as wide as it may be, in the page's colours; made anew where its form or the colours change. */
function Plot({ title, said, legend = [], data, options }: PlotProps) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const dark = useDark();
  const form = `${dark} ${data?.length} ${data?.[0].length} ${title}`;
  useLayoutEffect(() => {
    if (data === null) return;
    const element = place.current as HTMLDivElement;
    const made = new uPlot(
      {
        width: element.clientWidth,
        height: HEIGHT,
        legend: { show: false },
        cursor: { show: false },
        // Room for half of the last label.
        padding: [null, 28, null, null],
        ...options(colorsOf(element)),
      },
      data,
      element,
    );
    plot.current = made;
    const observer = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: HEIGHT }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [form]);
  useEffect(() => {
    if (data !== null) plot.current?.setData(data);
  }, [data]);
  return (
    <figure class="plot">
      <figcaption>
        <h2>{title}</h2>
        {legend.map(([color, name]) => (
          <span class={`key ${color}`} key={name}>
            {name}
          </span>
        ))}
      </figcaption>
      <div ref={place} class="canvas" role="img" aria-label={`${title}: ${said}`} />
      <p class="dim">{said}</p>
    </figure>
  );
}

/** `12:45`, with its date at midnight, with seconds where there are some. */
function timeOfDay(seconds: number): string {
  const ms = seconds * 1000;
  const date = new Date(ms);
  const time = formatClock(ms, 'minutes');
  if (time === '00:00') return dayAndMonth(date);
  return date.getSeconds() === 0 ? time : formatClock(ms, 'seconds');
}

function axis({ dim, line }: Colors): uPlot.Axis {
  return { stroke: dim, grid: { stroke: line, width: 1 }, ticks: { stroke: line, width: 1 } };
}

function colorsOf(element: Element): Colors {
  const style = getComputedStyle(element);
  const color = (name: string) => style.getPropertyValue(`--${name}`).trim();
  return {
    accent: color('accent'),
    good: color('good'),
    bad: color('bad'),
    warn: color('warn'),
    none: color('none'),
    dim: color('dim'),
    line: color('line'),
  };
}

function useDark(): boolean {
  const [query] = useState(() => matchMedia('(prefers-color-scheme: dark)'));
  const [dark, setDark] = useState(query.matches);
  useEffect(() => {
    const update = () => setDark(query.matches);
    query.addEventListener('change', update);
    return () => query.removeEventListener('change', update);
  }, []);
  return dark;
}

function quantile(bars: readonly [ms: number, count: number][], part: number): string {
  const total = bars.reduce((sum, [, count]) => sum + count, 0);
  let seen = 0;
  for (const [ms, count] of bars) {
    seen += count;
    if (seen >= part * total) return formatDuration(ms);
  }
  return '–';
}

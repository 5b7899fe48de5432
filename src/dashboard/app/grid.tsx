import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';

export interface Column<Row> {
  id: string;
  title: string;
  cell: (row: Row) => ComponentChildren;
}

/** A row of a grid, or the title of the rows after it. */
export type GridItem<Row> = { key: string | number; row: Row } | { key: string; title: string };

interface GridProps<Row> {
  label: string;
  /** Names the grid in the style sheet, which sets the columns' widths. */
  name: string;
  columns: readonly Column<Row>[];
  items: readonly GridItem<Row>[];
  rowHeight: number;
  classOf?: (row: Row) => string;
  selected?: string | number | null;
  onOpen: (row: Row) => void;
  /** The rows that are in sight now. */
  onShown?: (rows: Row[]) => void;
}

/** Rows beyond what is seen, so that scrolling shows no emptiness. */
const MARGIN = 8;
const TITLE_HEIGHT = 36;

/** Items in sight by key, and how far below the upper edge each is. */
type Places = ReadonlyMap<string | number, number>;

/**
 * A table of any length of which only the rows in sight are in the page. Its keys are those of a grid: arrows, page keys,
 * Home and End move, Enter opens. The focus stays with the grid, which names the active row, because rows come and go.
 */
export function Grid<Row>(props: GridProps<Row>) {
  const { label, name, columns, items, rowHeight, classOf, selected, onOpen, onShown } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const rows = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const [height, setHeight] = useState(600);
  const [active, setActive] = useState<string | number | null>(null);
  const read = useRef<Places | null>(null);
  /** Where each item begins, and where the last one ends. */
  const tops = useMemo(() => topsOf(items, rowHeight), [items, rowHeight]);
  const begin = itemAt(tops, top);
  const end = Math.min(items.length, itemAt(tops, top + height) + 1);

  useLayoutEffect(() => {
    const element = scroller.current as HTMLDivElement;
    const observer = new ResizeObserver(() =>
      setHeight(element.clientHeight - (rows.current as HTMLDivElement).offsetTop),
    );
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  const remember = () => {
    const { scrollTop } = scroller.current as HTMLDivElement;
    const at = itemAt(tops, scrollTop);
    const seen = items.slice(at, itemAt(tops, scrollTop + height) + 1);
    read.current =
      scrollTop < 1 ? null : new Map(seen.map(({ key }, i) => [key, (tops[at + i] as number) - scrollTop]));
  };

  // What comes in above must not push away what is being read.
  useLayoutEffect(() => {
    const element = scroller.current as HTMLDivElement;
    if (read.current === null) return;
    element.scrollTop += shiftOf(items, tops, read.current, element.scrollTop);
    remember();
  }, [items, tops]);

  const first = Math.max(0, begin - MARGIN);
  const inPage = items.slice(first, end + MARGIN);

  useEffect(() => {
    onShown?.(items.slice(begin, end).flatMap((item) => ('row' in item ? [item.row] : [])));
  });

  const onScroll = () => {
    remember();
    setTop((scroller.current as HTMLDivElement).scrollTop);
  };

  const move = (by: number) => {
    const element = scroller.current as HTMLDivElement;
    const from = items.findIndex(({ key }) => key === active);
    let to = Math.min(Math.max(from < 0 ? (by > 0 ? by - 1 : 0) : from + by, 0), items.length - 1);
    const isRow = (at: number) => items[at] !== undefined && 'row' in (items[at] as GridItem<Row>);
    if (!isRow(to)) to += isRow(to + Math.sign(by)) ? Math.sign(by) : -Math.sign(by);
    const item = items[to];
    if (item === undefined || !('row' in item)) return;
    setActive(item.key);
    const y = tops[to] as number;
    if (y < element.scrollTop) element.scrollTop = y;
    else if (y + rowHeight > element.scrollTop + height) element.scrollTop = y + rowHeight - height;
  };

  const onKeyDown = (event: KeyboardEvent) => {
    const page = Math.max(1, Math.floor(height / rowHeight) - 1);
    const steps: Record<string, number> = {
      ArrowDown: 1,
      ArrowUp: -1,
      PageDown: page,
      PageUp: -page,
      Home: -items.length,
      End: items.length,
    };
    const step = steps[event.key];
    if (event.target !== scroller.current || event.altKey || event.ctrlKey || event.metaKey) return;
    if (step !== undefined) move(step);
    else if (event.key === 'Enter' || event.key === ' ') {
      const item = items.find(({ key }) => key === active);
      if (item !== undefined && 'row' in item) onOpen(item.row);
    } else return;
    event.preventDefault();
  };

  const idOf = (key: string | number) => `${name}-${key}`.replaceAll(/[^\w-]/g, '-');
  const activeInPage = inPage.some(({ key }) => key === active);
  return (
    <div
      ref={scroller}
      class={`grid ${name}`}
      role="grid"
      aria-label={label}
      aria-rowcount={items.length + 1}
      aria-colcount={columns.length}
      tabIndex={0}
      aria-activedescendant={activeInPage && active !== null ? idOf(active) : undefined}
      onScroll={onScroll}
      onKeyDown={onKeyDown}
    >
      <div role="row" class="head" aria-rowindex={1}>
        {columns.map(({ id, title }) => (
          <span role="columnheader" class={`cell ${id}`} key={id}>
            {title}
          </span>
        ))}
      </div>
      <div ref={rows} role="rowgroup" class="rows" style={{ height: `${tops.at(-1)}px` }}>
        {inPage.map((item, i) => {
          const y = tops[first + i] as number;
          const place = {
            transform: `translateY(${y}px)`,
            height: `${(tops[first + i + 1] as number) - y}px`,
          };
          if (!('row' in item))
            return (
              <div role="row" class="row section" key={item.key} style={place} aria-rowindex={first + i + 2}>
                <span role="gridcell" aria-colspan={columns.length}>
                  {item.title}
                </span>
              </div>
            );
          const { row, key } = item;
          const marks = `${classOf?.(row) ?? ''}${key === active ? ' active' : ''}${key === selected ? ' selected' : ''}`;
          return (
            // biome-ignore lint/a11y/useKeyWithClickEvents: the grid has the keys
            <div
              role="row"
              class={`row ${marks}`}
              id={idOf(key)}
              key={key}
              style={place}
              aria-rowindex={first + i + 2}
              aria-selected={selected === undefined ? undefined : key === selected}
              onClick={() => {
                setActive(key);
                onOpen(row);
              }}
            >
              {columns.map(({ id, title, cell }) => (
                <span role="gridcell" class={`cell ${id}`} key={id} data-label={title}>
                  {cell(row)}
                </span>
              ))}
            </div>
          );
        })}
      </div>
    </div>
  );
}

function topsOf(items: readonly GridItem<unknown>[], rowHeight: number): number[] {
  const tops = [0];
  for (const item of items) tops.push((tops.at(-1) as number) + ('row' in item ? rowHeight : TITLE_HEIGHT));
  return tops;
}

/** The item at this height; the last one beneath them all. */
function itemAt(tops: readonly number[], y: number): number {
  let [low, high] = [0, Math.max(0, tops.length - 2)];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((tops[middle] as number) <= y) low = middle;
    else high = middle - 1;
  }
  return low;
}

/**
 * How far the items that were in sight have moved: most of them, because one of them alone may have gone to quite another
 * place.
 */
function shiftOf(
  items: readonly GridItem<unknown>[],
  tops: readonly number[],
  before: Places,
  scrollTop: number,
): number {
  const shifts: number[] = [];
  for (const [i, { key }] of items.entries()) {
    const place = before.get(key);
    if (place !== undefined) shifts.push((tops[i] as number) - scrollTop - place);
  }
  shifts.sort((a, b) => a - b);
  return shifts[Math.floor(shifts.length / 2)] ?? 0;
}

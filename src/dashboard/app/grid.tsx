import type { ComponentChildren } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';

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
  /** The rows that are in the page now. */
  onShown?: (rows: Row[]) => void;
}

/** Rows beyond what is seen, so that scrolling shows no emptiness. */
const MARGIN = 8;
const HEAD = 36;

/**
 * A table of any length of which only the rows in sight are in the page. Its keys are those of a grid: arrows, page keys,
 * Home and End move, Enter opens. The focus stays with the grid, which names the active row, because rows come and go.
 */
export function Grid<Row>(props: GridProps<Row>) {
  const { label, name, columns, items, rowHeight, classOf, selected, onOpen, onShown } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  const [height, setHeight] = useState(600);
  const [active, setActive] = useState<string | number | null>(null);
  const anchor = useRef<{ key: string | number; offset: number } | null>(null);

  useLayoutEffect(() => {
    const element = scroller.current as HTMLDivElement;
    const observer = new ResizeObserver(() => setHeight(element.clientHeight - HEAD));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  // What comes in above must not push away what is being read.
  useLayoutEffect(() => {
    const element = scroller.current as HTMLDivElement;
    if (anchor.current === null) return;
    const at = items.findIndex(({ key }) => key === anchor.current?.key);
    if (at >= 0) element.scrollTop = at * rowHeight + anchor.current.offset;
  }, [items, rowHeight]);

  const first = Math.max(0, Math.floor(top / rowHeight) - MARGIN);
  const last = Math.min(items.length, Math.ceil((top + height) / rowHeight) + MARGIN);
  const inSight = items.slice(first, last);

  useEffect(() => {
    onShown?.(inSight.flatMap((item) => ('row' in item ? [item.row] : [])));
  });

  const onScroll = () => {
    const { scrollTop } = scroller.current as HTMLDivElement;
    const at = Math.floor(scrollTop / rowHeight);
    const item = items[at];
    anchor.current =
      scrollTop < 1 || item === undefined ? null : { key: item.key, offset: scrollTop - at * rowHeight };
    setTop(scrollTop);
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
    const y = to * rowHeight;
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
  const activeInSight = inSight.some(({ key }) => key === active);
  return (
    <div
      ref={scroller}
      class={`grid ${name}`}
      role="grid"
      aria-label={label}
      aria-rowcount={items.length + 1}
      aria-colcount={columns.length}
      tabIndex={0}
      aria-activedescendant={activeInSight && active !== null ? idOf(active) : undefined}
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
      <div role="rowgroup" class="rows" style={{ height: `${items.length * rowHeight}px` }}>
        {inSight.map((item, i) => {
          const place = { transform: `translateY(${(first + i) * rowHeight}px)`, height: `${rowHeight}px` };
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

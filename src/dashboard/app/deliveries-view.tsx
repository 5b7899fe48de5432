import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { EVENT_TYPES } from '../../core/event.ts';
import { formatDuration } from '../../core/time.ts';
import { type DeliveryFilter, matchesDelivery, RESULTS, readFilter, resultsOf } from '../delivery-filter.ts';
import type { DeliveryPage, DeliveryRow } from '../wire.ts';
import { api, describeError } from './api.ts';
import { Empty } from './empty.tsx';
import { Choice, Field } from './fields.tsx';
import { type Column, Grid } from './grid.tsx';
import { Inspector } from './inspector.tsx';
import { type Model, recordKey } from './model.ts';
import { changeState, type PageState } from './page-state.ts';
import { ResultOf, words } from './result.tsx';
import { Clock, orDash } from './show.tsx';
import type { ShownReporter } from './shown-reporter.ts';
import { useNarrow } from './use-narrow.ts';

/** After so long without another key something has been typed, ms. */
const TYPED_MS = 150;

interface DeliveriesProps {
  model: Model;
  state: PageState;
  reporter: ShownReporter;
}

/** The delivery log as it grows, and whatever is known of the one that is selected. */
export function DeliveriesView({ model, state, reporter }: DeliveriesProps) {
  const filter = readFilter((name) => state[name]);
  const { rows, more, problem, loading, load } = useLog(model, filter, state);
  const items = useMemo(() => rows.map((row) => ({ key: recordKey(row), row })), [rows]);
  const narrow = useNarrow();
  const selected = state.delivery ?? null;
  const section = useRef<HTMLElement>(null);
  const before = useRef(selected);
  useEffect(() => {
    // With the inspector the focus has gone that was in it.
    if (before.current !== null && selected === null && document.activeElement === document.body)
      section.current?.querySelector<HTMLElement>('.grid')?.focus();
    before.current = selected;
  }, [selected]);
  const filtered = isFiltered(filter);
  return (
    <section
      ref={section}
      class={`view deliveries-view${selected === null ? '' : ' inspecting'}`}
      aria-labelledby="deliveries-title"
      onKeyDown={({ key, target }) => {
        if (key === 'Escape' && !(target instanceof HTMLInputElement)) changeState({ delivery: null });
      }}
    >
      <div class="tools">
        <h1 id="deliveries-title">Deliveries</h1>
        <search class="filters" aria-label="Filter deliveries">
          <Field label="Search" name="search" value={filter.search} />
          <Choice label="Kind" name="kind" value={filter.kind ?? ''} choices={KINDS} />
          <Choice label="Event" name="event" value={filter.event ?? ''} choices={EVENTS} />
          <Choice label="Result" name="result" value={filter.result ?? ''} choices={RESULT_CHOICES} />
          {filtered && (
            <button type="button" class="button" onClick={() => changeState(NO_FILTER)}>
              Clear the filters
            </button>
          )}
        </search>
      </div>
      <div class="split">
        <div class="list">
          {model.records.length === 0 && rows.length === 0 && !filtered ? (
            <Empty model={model} what="Nothing is on record yet." />
          ) : (
            <>
              <Grid
                label="Deliveries, the latest first"
                name="deliveries"
                columns={COLUMNS}
                items={items}
                rowHeight={narrow ? 92 : 40}
                selected={selected}
                classOf={(row) => resultsOf(row).join(' ')}
                onOpen={(row) => changeState({ delivery: recordKey(row) }, selected === null)}
                onShown={(shown) =>
                  reporter.shown(shown.flatMap(({ kind, seq }) => (kind === 'receipt' ? [seq] : [])))
                }
              />
              <p class="foot">
                <span role="status">
                  {rows.length.toLocaleString()} shown{problem === null ? '' : `; ${problem}`}
                  {more === null
                    ? `, no older ones${filtered ? ' match' : ''}`
                    : more.scanned > 0 && rows.length === 0
                      ? `; ${more.scanned.toLocaleString()} searched`
                      : ''}
                </span>
                {more !== null && (
                  <button type="button" class="button" disabled={loading} onClick={load}>
                    {loading ? 'Loading…' : 'Older ones'}
                  </button>
                )}
              </p>
            </>
          )}
        </div>
        {selected !== null && <Inspector key={selected} place={selected} model={model} />}
      </div>
    </section>
  );
}

function isFiltered({ kind, event, result, search }: DeliveryFilter): boolean {
  return kind !== null || event !== null || result !== null || search !== '';
}

const NO_FILTER = { search: null, kind: null, event: null, result: null };

/** Where the log goes on; null at its beginning. */
type More = { cursor: string; scanned: number } | null;

interface Older {
  /** What they were asked for by. */
  key: string;
  rows: DeliveryRow[];
  /** Undefined until some have been read. */
  more: More | undefined;
  problem: string | null;
}

/** The latest records that match, as they come, and as many older ones as were asked for. */
function useLog(model: Model, filter: DeliveryFilter, state: PageState) {
  // Where the latest begin anew, older ones would no longer follow on them.
  const key = `${JSON.stringify(filter)} ${model.cuts}`;
  const none: Older = { key, rows: [], more: undefined, problem: null };
  const [older, setOlder] = useState(none);
  const mine = older.key === key ? older : none;
  const [asking, setAsking] = useState<string | null>(null);
  const question = useRef<AbortController | null>(null);
  const rows = useMemo(() => {
    const live = model.records.filter((row) => matchesDelivery(row, filter));
    const known = new Set(live.map(recordKey));
    return [...live, ...mine.rows.filter((row) => !known.has(recordKey(row)))];
  }, [model.version, state, older]);
  const more: More = mine.more === undefined ? { cursor: cursorOf(model.records), scanned: 0 } : mine.more;
  const load = async () => {
    if (more === null) return;
    question.current?.abort();
    const asked = new AbortController();
    question.current = asked;
    setAsking(key);
    try {
      const query = new URLSearchParams({ cursor: more.cursor, search: filter.search });
      for (const name of ['kind', 'event', 'result'] as const)
        if (filter[name] !== null) query.set(name, filter[name]);
      const page = await api<DeliveryPage>(`/api/deliveries?${query}`, { signal: asked.signal });
      setOlder({
        key,
        rows: [...mine.rows, ...page.records],
        more: page.cursor === null ? null : { cursor: page.cursor, scanned: more.scanned + page.scanned },
        problem: null,
      });
    } catch (error) {
      if (!asked.signal.aborted) setOlder({ ...mine, problem: describeError(error) });
    } finally {
      if (question.current === asked) setAsking(null);
    }
  };
  // A filter that leaves little of what is here looks further by itself, once it has been typed; and where there is less
  // than a page begins with, that is likely all, which is soon made sure of.
  const wanting =
    rows.length < (isFiltered(filter) ? 20 : 200) &&
    mine.more === undefined &&
    mine.problem === null &&
    model.about !== null;
  useEffect(() => {
    if (!wanting) return;
    const timer = setTimeout(() => void load(), TYPED_MS);
    return () => clearTimeout(timer);
  }, [wanting, key]);
  useEffect(() => () => question.current?.abort(), []);
  return { rows, more, problem: mine.problem, loading: asking === key, load };
}

/** Before the oldest records of each kind that the page has. */
function cursorOf(records: readonly DeliveryRow[]): string {
  const oldest = (kind: DeliveryRow['kind']) =>
    records.reduce(
      (least, row) => (row.kind === kind && (least === 0 || row.seq < least) ? row.seq : least),
      0,
    );
  return `${oldest('attempt')}.${oldest('receipt')}`;
}

const KINDS = [
  ['', 'received and sent'],
  ['receipt', 'received'],
  ['attempt', 'sent'],
] as const;
const EVENTS = [['', 'any'] as const, ...EVENT_TYPES.map((type) => [type, type] as const)];
const RESULT_CHOICES = [['', 'any'] as const, ...RESULTS.map((result) => [result, words(result)] as const)];

const COLUMNS: readonly Column<DeliveryRow>[] = [
  {
    id: 'time',
    title: 'Time',
    cell: (row) => <Clock ms={Date.parse(row.kind === 'attempt' ? row.sent_at : row.received_at)} exact />,
  },
  {
    id: 'way',
    title: 'Way',
    cell: ({ kind }) => (
      <span class={`way ${kind}`}>
        <span aria-hidden="true">{kind === 'attempt' ? '↑' : '↓'}</span>{' '}
        {kind === 'attempt' ? 'sent' : 'received'}
      </span>
    ),
  },
  { id: 'event', title: 'Event', cell: ({ event }) => orDash(event) },
  { id: 'result', title: 'Result', cell: (row) => <ResultOf row={row} /> },
  { id: 'took', title: 'Latency', cell: (row) => tookOf(row) },
  { id: 'call', title: 'Call', cell: ({ call_id }) => orDash(call_id) },
  { id: 'id', title: 'Event id', cell: ({ event_id }) => orDash(event_id) },
];

function tookOf(row: DeliveryRow) {
  const ms = row.kind === 'attempt' ? row.duration_ms : row.latency_ms;
  return ms === null ? <span class="none">–</span> : formatDuration(ms);
}

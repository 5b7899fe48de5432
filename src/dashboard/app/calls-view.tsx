import { useMemo } from 'preact/hooks';
import { maskNumbers, visible } from '../../core/redact.ts';
import { callFilter, listCalls } from './call-filter.ts';
import { CallStory } from './call-story.tsx';
import { Empty } from './empty.tsx';
import { Choice, Field } from './fields.tsx';
import { type Column, Grid, type GridItem } from './grid.tsx';
import { CALL_STATUSES, type Model, type PageCall } from './model.ts';
import { changeState, type PageState } from './page-state.ts';
import { Clock, formatCallTime, orDash, PhoneNumber } from './show.tsx';
import type { ShownReporter } from './shown-reporter.ts';
import { useNarrow } from './use-narrow.ts';

interface CallsProps {
  model: Model;
  state: PageState;
  /** This page's clock; it stands still while the page is not live. */
  now: number;
  reporter: ShownReporter;
}

/** The live call widget: one row a call, the counts of each status, and what has just ended. */
export function CallsView({ model, state, now, reporter }: CallsProps) {
  const filter = callFilter(state);
  const list = useMemo(() => listCalls(model.calls.values(), filter, now), [model.version, state, now]);
  const narrow = useNarrow();
  const items = useMemo((): GridItem<PageCall>[] => {
    const rows = (calls: PageCall[]) => calls.map((row) => ({ key: row.key, row }));
    if (list.ended.length === 0) return rows(list.live);
    return [
      ...rows(list.live),
      { key: 'ended', title: `Ended lately (${list.ended.length})` },
      ...rows(list.ended),
    ];
  }, [list]);
  const queues = useMemo(() => distinct(model.calls.values()), [model.version]);
  const toggle = (status: (typeof CALL_STATUSES)[number]) => {
    const { statuses } = filter;
    const wanted = statuses.includes(status)
      ? statuses.filter((name) => name !== status)
      : [...statuses, status];
    changeState({ status: CALL_STATUSES.filter((name) => wanted.includes(name)).join(',') });
  };
  const open = Number(state.call) || null;
  const serverNow = now + model.ahead;
  return (
    <section class="view" aria-labelledby="calls-title">
      <div class="tools">
        <h1 id="calls-title">Live calls</h1>
        <fieldset class="chips">
          <legend class="hidden">Show only calls that are</legend>
          {CALL_STATUSES.map((status) => (
            <button
              type="button"
              key={status}
              class={`chip ${status.toLowerCase()}`}
              aria-pressed={filter.statuses.includes(status)}
              onClick={() => toggle(status)}
            >
              {status} <b>{list.counts.get(status)}</b>
            </button>
          ))}
        </fieldset>
        <search class="filters" aria-label="Filter calls">
          <Field label="Number or call id" name="number" value={filter.number} />
          <Field label="Queue" name="queue" value={filter.queue} options={queues} />
          <Choice
            label="Direction"
            name="direction"
            value={filter.direction}
            choices={[
              ['', 'any'],
              ['inbound', 'inbound'],
              ['outbound', 'outbound'],
            ]}
          />
        </search>
      </div>
      {model.calls.size === 0 ? (
        <Empty model={model} what="No call has been received yet." />
      ) : items.length === 0 ? (
        <p class="nothing">
          No call matches.{' '}
          <button
            type="button"
            class="button"
            onClick={() => changeState({ number: null, queue: null, direction: null, status: null })}
          >
            Clear the filters
          </button>
        </p>
      ) : (
        <Grid
          label="Calls"
          name="calls"
          columns={columnsAt(serverNow)}
          items={items}
          rowHeight={narrow ? 118 : 44}
          classOf={({ ended, status }) => `${(status ?? 'unknown').toLowerCase()}${ended ? ' ended' : ''}`}
          onOpen={({ key }) => changeState({ call: String(key) }, true)}
          onShown={(rows) => reporter.shown(rows.flatMap(({ seqs }) => seqs))}
        />
      )}
      {open !== null && model.about !== null && <CallStory key={open} callKey={open} model={model} />}
    </section>
  );
}

function columnsAt(now: number): Column<PageCall>[] {
  return [
    {
      id: 'status',
      title: 'Status',
      cell: ({ status, ended }) => (
        <span class="state">
          {status === null ? 'Unknown' : `${status}${ended && !isOver(status) ? ' (no end)' : ''}`}
        </span>
      ),
    },
    { id: 'caller', title: 'Caller', cell: ({ caller_number }) => <PhoneNumber number={caller_number} /> },
    {
      id: 'receiver',
      title: 'Receiver',
      cell: ({ receiver_number }) => <PhoneNumber number={receiver_number} />,
    },
    { id: 'direction', title: 'Direction', cell: ({ direction }) => <Direction of={direction} /> },
    { id: 'queue', title: 'Queue', cell: ({ queue }) => orDash(queue) },
    { id: 'agent', title: 'Agent', cell: ({ agent_id }) => orDash(agent_id) },
    { id: 'since', title: 'Since', cell: ({ since_ms }) => <Clock ms={since_ms} /> },
    { id: 'duration', title: 'Duration', cell: (call) => durationOf(call, now) },
    {
      id: 'last',
      title: 'Last event',
      cell: ({ last, warnings }) => (
        <>
          {orDash(last.event)}
          {warnings > 0 && (
            <span class="warn" title={`${warnings} things in its story do not fit`}>
              {' '}
              <span aria-hidden="true">⚠</span>
              <span class="hidden">something in its story does not fit</span>
            </span>
          )}
        </>
      ),
    },
  ];
}

function isOver(status: PageCall['status']): boolean {
  return status === 'Disconnected' || status === 'Missed';
}

function Direction({ of: direction }: { of: string | null }) {
  if (direction !== 'inbound' && direction !== 'outbound') return orDash(direction);
  return (
    <span>
      <span aria-hidden="true">{direction === 'inbound' ? '↙ ' : '↗ '}</span>
      {direction}
    </span>
  );
}

/** How long it has been on, from its answer, else from its ring; of an ended one what its end says. */
function durationOf(
  { ended, duration_seconds, connected_ms, started_ms, since_ms, status }: PageCall,
  now: number,
) {
  if (ended && duration_seconds !== null && status !== 'Missed')
    return formatCallTime(duration_seconds * 1000);
  const from = connected_ms ?? started_ms;
  if (from === null || (ended && since_ms === null)) return <span class="none">–</span>;
  return formatCallTime((ended ? (since_ms as number) : now) - from);
}

function distinct(calls: Iterable<PageCall>): string[] {
  const names = new Set<string>();
  for (const { queue } of calls) {
    // A text that is not shown as it is cannot be chosen from a list of texts as they are.
    if (queue !== null && visible(maskNumbers(queue), 60) === queue) names.add(queue);
    if (names.size === 50) break;
  }
  return [...names].sort();
}

import { useEffect, useRef, useState } from 'preact/hooks';
import type { Kpi } from '../../core/kpi.ts';
import { describeKpi, formatAmount } from '../../report/wording.ts';
import { type KpiPage, WINDOWS } from '../wire.ts';
import { api, describeError } from './api.ts';
import { Empty } from './empty.tsx';
import { Choice } from './fields.tsx';
import type { Model } from './model.ts';
import type { PageState } from './page-state.ts';
import { DistributionPlot, RatePlot } from './plots.tsx';
import { Outside } from './show.tsx';

const LEAST_PAUSE_MS = 2000;
/** Counting takes at most this share of the server's time. */
const SHARE = 20;

const WINDOW_TEXTS: Record<keyof typeof WINDOWS, string> = {
  '15m': 'the last 15 minutes',
  '1h': 'the last hour',
  '24h': 'the last day',
  all: 'all on record',
};

/** The KPIs as `report` has them, and how latency and rate went. */
export function KpisView({ model, state, live }: { model: Model; state: PageState; live: boolean }) {
  const window = state.window !== undefined && Object.hasOwn(WINDOWS, state.window) ? state.window : 'all';
  const { page, problem } = useKpis(window, live);
  return (
    <section class="view" aria-labelledby="kpis-title">
      <div class="tools">
        <h1 id="kpis-title">KPIs</h1>
        <div class="filters">
          <Choice label="Of" name="window" value={window} choices={Object.entries(WINDOW_TEXTS)} />
        </div>
      </div>
      {problem !== null && <p class="problem">{problem}</p>}
      {page !== null &&
      page.report.totals.attempts + page.report.totals.receipts === 0 &&
      window === 'all' ? (
        <Empty model={model} what="There is nothing to judge yet." />
      ) : (
        page !== null && <Kpis page={page} />
      )}
    </section>
  );
}

function useKpis(window: string, live: boolean) {
  const [page, setPage] = useState<KpiPage | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  /** The window whose figures are shown. */
  const shown = useRef<string | null>(null);
  useEffect(() => {
    // What is not live stands still, but what has just been chosen is there to be seen.
    if (!live && shown.current === window) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let wanted = true;
    const read = async () => {
      let pause = LEAST_PAUSE_MS;
      try {
        const found = await api<KpiPage>(`/api/kpis?window=${window}`);
        if (!wanted) return;
        pause = Math.max(LEAST_PAUSE_MS, found.took_ms * SHARE);
        shown.current = window;
        setPage(found);
        setProblem(null);
      } catch (error) {
        if (wanted) setProblem(describeError(error));
      }
      if (wanted && live) timer = setTimeout(() => void read(), pause);
    };
    void read();
    return () => {
      wanted = false;
      clearTimeout(timer);
    };
  }, [window, live]);
  return { page, problem };
}

function Kpis({ page }: { page: KpiPage }) {
  const { report, latency, rates } = page;
  const { totals } = report;
  return (
    <div class="kpis">
      <ul class="tiles">
        {report.kpis.map((kpi) => (
          <Tile kpi={kpi} key={kpi.name} />
        ))}
      </ul>
      <dl class="totals">
        {Object.entries(totals).map(([name, count]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{count.toLocaleString()}</dd>
          </div>
        ))}
      </dl>
      {report.notes.length > 0 && (
        <ul class="notes">
          {report.notes.map((note) => (
            <li key={note}>{note}</li>
          ))}
        </ul>
      )}
      <div class="plots">
        <DistributionPlot title="Webhook latency" bars={latency.webhook} />
        <DistributionPlot title="Widget latency" bars={latency.widget} />
        <RatePlot rates={rates} />
      </div>
      {report.endpoints.length > 0 && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be reached by keyboard
        <section class="wide" tabIndex={0} aria-label="Endpoints">
          <table class="endpoints">
            <caption>Sent, by endpoint</caption>
            <thead>
              <tr>
                {[
                  'Endpoint',
                  'Attempts',
                  'Events',
                  'Success',
                  'Delivery',
                  'p50',
                  'p95',
                  'p99',
                  'Statuses',
                ].map((title) => (
                  <th scope="col" key={title}>
                    {title}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {report.endpoints.map((endpoint) => (
                <tr key={`${endpoint.name} ${endpoint.url}`}>
                  <th scope="row">
                    <Outside text={endpoint.name} most={60} />
                    <div class="dim">
                      <Outside text={endpoint.url} most={100} />
                    </div>
                  </th>
                  <td>{endpoint.attempts.toLocaleString()}</td>
                  <td>{endpoint.events.toLocaleString()}</td>
                  <td>{formatAmount('ratio', endpoint.success_rate)}</td>
                  <td>{formatAmount('ratio', endpoint.delivery_rate)}</td>
                  {(['p50', 'p95', 'p99'] as const).map((name) => (
                    <td key={name}>{formatAmount('ms', endpoint.latency_ms[name])}</td>
                  ))}
                  <td>
                    <Statuses
                      counts={endpoint.statuses}
                      attempts={endpoint.attempts}
                      outcomes={endpoint.outcomes}
                    />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
    </div>
  );
}

function Tile({ kpi }: { kpi: Kpi }) {
  const { label, observed, threshold, evidence, interval } = describeKpi(kpi);
  const tone = { pass: 'good', fail: 'bad', 'no data': 'none' }[kpi.verdict];
  return (
    <li class={`tile ${tone}`}>
      <h2>{label}</h2>
      <p class="observed">{observed}</p>
      <p class="verdict">
        <b>{kpi.verdict}</b> <span>{threshold}</span>
      </p>
      <p class="dim">
        {evidence}
        {interval !== '' && <br />}
        {interval !== '' && `95 % interval ${interval}`}
      </p>
    </li>
  );
}

/** A status code each, and what never got one. */
function Statuses({
  counts,
  outcomes,
  attempts,
}: {
  counts: Record<string, number>;
  outcomes: Record<string, number>;
  attempts: number;
}) {
  const unanswered = Object.entries(outcomes).filter(([name]) => name !== 'delivered' && name !== 'rejected');
  return (
    <ul class="statuses">
      {[...Object.entries(counts), ...unanswered].map(([name, count]) => (
        <li key={name} class={/^2\d\d$/.test(name) ? 'good' : 'bad'} title={`${count} of ${attempts}`}>
          <b>{name}</b> × {count.toLocaleString()}
        </li>
      ))}
    </ul>
  );
}

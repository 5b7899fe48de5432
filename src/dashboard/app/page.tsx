import { useEffect, useLayoutEffect, useReducer, useState } from 'preact/hooks';
import { formatDuration } from '../../core/time.ts';
import { CallsView } from './calls-view.tsx';
import { DeliveriesView } from './deliveries-view.tsx';
import type { FeedLink, LinkState } from './feed-link.ts';
import { Switch } from './fields.tsx';
import { KpisView } from './kpis-view.tsx';
import type { Model } from './model.ts';
import { changeState, type PageState, usePageState, VIEWS, type View, viewOf } from './page-state.ts';
import { Clock, Outside, Revealed, useNow } from './show.tsx';
import type { ShownReporter } from './shown-reporter.ts';

const TITLES: Record<View, string> = { calls: 'Live calls', deliveries: 'Deliveries', kpis: 'KPIs' };

interface PageProps {
  model: Model;
  link: FeedLink;
  reporter: ShownReporter;
  /** Told of what becomes of the link. */
  onState: (listen: (state: LinkState) => void) => void;
}

export function Page({ model, link, reporter, onState }: PageProps) {
  const state = usePageState();
  const view = viewOf(state);
  const [linked, setLinked] = useState<LinkState>({ name: 'connecting' });
  const [revealed, setRevealed] = useState(false);
  const [, render] = useReducer((count: number) => count + 1, 0);
  useEffect(() => onState(setLinked), []);
  useEffect(() => model.listen(() => render(null)), []);
  const live = linked.name === 'live';
  const now = useNow(live);
  const clock = useNow(true);
  useEffect(() => {
    document.title = `${live ? '' : '⏸ '}${TITLES[view]} · mo-notify`;
  }, [view, live]);
  useLayoutEffect(() => reporter.beginAnew(), [contentOf(state)]);
  return (
    <Revealed.Provider value={revealed}>
      <header class="bar">
        <span class="brand">mo-notify</span>
        <nav aria-label="Views">
          {VIEWS.map((name) => (
            <a
              key={name}
              href={`?view=${name}`}
              aria-current={name === view ? 'page' : undefined}
              onClick={(event) => {
                if (event.metaKey || event.ctrlKey || event.shiftKey) return;
                event.preventDefault();
                changeState({ view: name === 'calls' ? null : name, call: null }, true);
              }}
            >
              {TITLES[name]}
            </a>
          ))}
        </nav>
        <Link state={linked} heardAt={link.heardAt} now={clock} />
        <Switch
          label="Live updates"
          on={linked.name !== 'paused'}
          onChange={(on) => {
            if (!on) return link.pause();
            reporter.beginAnew();
            link.start();
          }}
        />
        <Switch label="Show numbers" on={revealed} onChange={setRevealed} />
      </header>
      <Banner state={linked} trouble={model.trouble} behind={model.behind} now={clock} />
      <main class={live ? '' : 'stale'}>
        {model.about === null ? (
          <p class="nothing">Reading the log…</p>
        ) : view === 'calls' ? (
          <CallsView model={model} state={state} now={now} reporter={reporter} />
        ) : view === 'deliveries' ? (
          <DeliveriesView model={model} state={state} reporter={reporter} />
        ) : (
          <KpisView model={model} state={state} live={live} />
        )}
      </main>
      {model.about !== null && (
        <footer>
          mo-notify {model.about.version}, <Outside text={model.about.location} />
          {model.about.receiver !== null && (
            <>
              , receiver <Outside text={model.about.receiver} />
            </>
          )}
          {model.about.app !== null && (
            <>
              , app <Outside text={model.about.app} />
            </>
          )}
        </footer>
      )}
    </Revealed.Provider>
  );
}

/** What of the address decides what is listed; what is open beside or above a list does not change it. */
function contentOf({ call: _, delivery: __, ...rest }: PageState): string {
  return JSON.stringify(rest);
}

/** Whether the page is alive, and the last proof of it. */
function Link({ state, heardAt, now }: { state: LinkState; heardAt: number; now: number }) {
  const text = {
    connecting: 'Connecting',
    live: 'Live',
    lost: 'Link lost',
    paused: 'Paused',
    refused: 'Ended',
  }[state.name];
  const age = Math.max(0, now - heardAt);
  return (
    <span
      class={`link-state ${state.name}`}
      title={heardAt === 0 ? '' : `last sign of life ${formatDuration(age)} ago`}
    >
      <span aria-hidden="true" class="dot" />
      {text}
    </span>
  );
}

interface BannerProps {
  state: LinkState;
  trouble: string | null;
  behind: number;
  now: number;
}

function Banner({ state, trouble, behind, now }: BannerProps) {
  return (
    <div role="status" class="banners">
      {state.name === 'lost' && (
        <p class="banner bad">
          The link to mo-notify was lost at <Clock ms={state.since} />. What is shown is from then; trying to
          connect again.
          <span aria-hidden="true" class="ago">
            {' '}
            {formatDuration(Math.max(0, now - state.since))} ago
          </span>
        </p>
      )}
      {state.name === 'paused' && (
        <p class="banner">
          Live updates are off since <Clock ms={state.since} />. Nothing is lost: what comes meanwhile is
          shown when they are on again.
        </p>
      )}
      {state.name === 'refused' && (
        <p class="banner bad">
          This page's run of mo-notify has ended. Open the link that the new one printed.
        </p>
      )}
      {behind > 0 && (
        <p class="banner">
          More comes than can be shown at once: {behind.toLocaleString()} deliveries are yet to be looked at.
        </p>
      )}
      {trouble !== null && (
        <p class="banner bad">
          The log cannot be read: <Outside text={trouble} most={500} />
        </p>
      )}
    </div>
  );
}

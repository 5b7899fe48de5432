import { useEffect, useState } from 'preact/hooks';

export const VIEWS = ['calls', 'deliveries', 'kpis'] as const;
export type View = (typeof VIEWS)[number];

/** What the address says: the view, its filters, what is open. Whoever opens the same address sees the same. */
export type PageState = Readonly<Record<string, string>>;

const listeners = new Set<() => void>();
addEventListener('popstate', () => {
  for (const listener of listeners) listener();
});

export function readState(search = location.search): PageState {
  return Object.fromEntries(new URLSearchParams(search));
}

export function viewOf({ view }: PageState): View {
  return VIEWS.find((name) => name === view) ?? 'calls';
}

/** Changes the address; what is empty or null leaves it. A change that is a `step` can be gone back from. */
export function changeState(change: Readonly<Record<string, string | null>>, step = false): void {
  const params = new URLSearchParams(location.search);
  for (const [key, value] of Object.entries(change)) {
    if (value === null || value === '') params.delete(key);
    else params.set(key, value);
  }
  const search = params.size === 0 ? '' : `?${params}`;
  if (search === location.search) return;
  if (step) history.pushState({ step }, '', location.pathname + search);
  else history.replaceState(history.state, '', location.pathname + search);
  for (const listener of listeners) listener();
}

/** Takes back the step that this address was, so that Back does not lead there again; without one, changes the address. */
export function undoStep(change: Readonly<Record<string, null>>): void {
  if ((history.state as { step?: boolean } | null)?.step === true) history.back();
  else changeState(change);
}

export function usePageState(): PageState {
  const [state, setState] = useState(readState);
  useEffect(() => {
    const update = () => setState(readState());
    listeners.add(update);
    return () => {
      listeners.delete(update);
    };
  }, []);
  return state;
}

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

/** A browser's address and history, as far as the page uses them. */
function fakeBrowser(search: string) {
  const entries: { search: string; state: unknown }[] = [{ search, state: null }];
  let at = 0;
  const listeners: (() => void)[] = [];
  const to = (url: string) => url.slice(url.indexOf('?') < 0 ? url.length : url.indexOf('?'));
  vi.stubGlobal('addEventListener', (name: string, listener: () => void) => {
    if (name === 'popstate') listeners.push(listener);
  });
  vi.stubGlobal('location', {
    pathname: '/',
    get search() {
      return entries[at]?.search;
    },
  });
  vi.stubGlobal('history', {
    get state() {
      return entries[at]?.state;
    },
    pushState(state: unknown, _: string, url: string) {
      entries.splice(at + 1, entries.length, { search: to(url), state });
      at += 1;
    },
    replaceState(state: unknown, _: string, url: string) {
      entries[at] = { search: to(url), state };
    },
    back() {
      at -= 1;
      for (const listener of listeners) listener();
    },
  });
  return { searches: () => entries.map((entry) => entry.search), at: () => at };
}

describe('the address', () => {
  beforeEach(() => {
    vi.resetModules();
  });
  afterEach(() => {
    vi.unstubAllGlobals();
  });
  const load = () => import('../../../../src/dashboard/app/page-state.ts');

  test('says the view, the filters, and what is open', async () => {
    fakeBrowser('?view=deliveries&search=a+b%26c&delivery=receipt%2F1');
    const { readState, viewOf } = await load();
    expect(readState()).toEqual({ view: 'deliveries', search: 'a b&c', delivery: 'receipt/1' });
    expect(viewOf(readState())).toBe('deliveries');
    expect([viewOf({}), viewOf({ view: 'nonsense' }), viewOf({ view: 'kpis' })]).toEqual([
      'calls',
      'calls',
      'kpis',
    ]);
  });

  test('changes in its place, or by a step; what is empty leaves it', async () => {
    const browser = fakeBrowser('');
    const { changeState } = await load();
    changeState({ queue: 'Sales & more', number: '+91' });
    expect(browser.searches()).toEqual(['?queue=Sales+%26+more&number=%2B91']);
    changeState({ view: 'kpis', queue: null }, true);
    expect(browser.searches().at(-1)).toBe('?number=%2B91&view=kpis');
    changeState({ number: '', view: null });
    expect(browser.searches()).toEqual(['?queue=Sales+%26+more&number=%2B91', '']);
    changeState({ number: '' }, true);
    expect(browser.at()).toBe(1);
  });

  test('a step that is undone is gone back from; what was opened by its address is closed in its place', async () => {
    const browser = fakeBrowser('?call=7');
    const { changeState, undoStep } = await load();
    undoStep({ call: null });
    expect([browser.at(), browser.searches()]).toEqual([0, ['']]);
    changeState({ call: '8' }, true);
    changeState({ number: '1' });
    undoStep({ call: null });
    expect([browser.at(), browser.searches()[0]]).toEqual([0, '']);
  });
});

import { existsSync } from 'node:fs';
import { type Browser, chromium, type Page } from 'playwright-core';
import { beforeAll } from 'vitest';
import { PATIENCE_MS } from './patience.ts';

/** The one without windows first: it takes half the time. */
const CANDIDATES = [
  process.env.CHROME_PATH,
  '/usr/bin/chromium-headless-shell',
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
];
const executablePath = CANDIDATES.find((path) => path !== undefined && path !== '' && existsSync(path));

/** Whether to skip what needs a browser. In CI nothing is skipped: there the launch fails and says why. */
export const noBrowser =
  executablePath === undefined && (process.env.CI === undefined || process.env.CI === '');

/** For the name of a suite that needs a browser, so that it says why it was skipped. */
export const browserReason = noBrowser ? ' (skipped: no Chromium; set CHROME_PATH)' : '';

/** Names under .example lead to this machine. */
const ARGS = ['--no-sandbox', '--host-resolver-rules=MAP *.example 127.0.0.1'];

async function launchBrowser(): Promise<Browser> {
  if (executablePath === undefined) {
    throw new Error(`No Chromium: neither CHROME_PATH nor ${CANDIDATES.slice(1).join(', nor ')}.`);
  }
  return chromium.launch({ executablePath, args: ARGS, timeout: PATIENCE_MS });
}

let launched: Promise<Browser> | undefined;

/** The browser of all suites that a worker runs; it starts with the first of them, and ends with the worker. */
export function useBrowser(): () => Browser {
  let browser: Browser | undefined;
  beforeAll(async () => {
    launched ??= launchBrowser();
    browser = await launched;
  });
  return () => browser as Browser;
}

/** All that a page did besides being shown. */
export interface Watched {
  dialogs: string[];
  /** Every request's URL, the page's own first. */
  requests: string[];
  /** Errors and warnings of the console, those of the content security policy among them, and uncaught exceptions. */
  complaints: string[];
}

/** To be called before the page goes anywhere. */
export function watchPage(page: Page): Watched {
  const watched: Watched = { dialogs: [], requests: [], complaints: [] };
  page.on('dialog', (dialog) => {
    watched.dialogs.push(dialog.message());
    void dialog.dismiss();
  });
  page.on('request', (request) => watched.requests.push(request.url()));
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') watched.complaints.push(message.text());
  });
  page.on('pageerror', (error) => watched.complaints.push(String(error)));
  return watched;
}

/** How many elements there are of each name with each set of attributes (`th role scope`). */
export function countElements(page: Page): Promise<Record<string, number>> {
  // A string, because it runs in the page, whose names the tests' own types do not know.
  return page.evaluate(`(() => {
    const counts = {};
    for (const element of document.querySelectorAll('*')) {
      const kind = [element.localName, ...element.getAttributeNames().sort()].join(' ');
      counts[kind] = (counts[kind] ?? 0) + 1;
    }
    return counts;
  })()`);
}

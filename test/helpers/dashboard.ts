import type { Browser, BrowserContext, BrowserContextOptions, Locator, Page } from 'playwright-core';
import { expect, onTestFinished } from 'vitest';
import { run } from '../../src/cli/main.ts';
import { type Watched, watchPage } from './browser.ts';
import { type DeliveryOptions, delivery, SECRET } from './delivery.ts';
import { PATIENCE_MS } from './patience.ts';
import { post, type RawAnswer } from './raw-http.ts';
import { jsonLines, type RunningListen, startListen, type TestIo, testIo } from './test-io.ts';

/** A `listen` with its dashboard; it ends with the test. */
export interface Board extends RunningListen {
  /** As it is printed, with the token. */
  link: string;
  /** Without. */
  origin: string;
  /** Delivers an event of now over HTTP, under an id of its own; `more` changes the body, `options` the delivery. */
  send: (event: string, more?: Record<string, unknown>, options?: DeliveryOptions) => Promise<RawAnswer>;
}

export const CALLER = '+919876543210';
export const RECEIVER = '+911234567890';

export async function startBoard(args: string[] = [], { cwd }: { cwd?: string } = {}): Promise<Board> {
  const env = { MO_SECRET: SECRET };
  const listen = await startListen(args, { env, ...(cwd === undefined ? {} : { cwd }) });
  onTestFinished(async () => void (await listen.stop()));
  const link = jsonLines(listen.io)[0]?.dashboard as string;
  let count = 0;
  return {
    ...listen,
    link,
    origin: new URL(link).origin,
    send: (event, more = {}, options = {}) => {
      count += 1;
      return post(listen.port, delivery({ id: `ev_${count}`, body: bodyOf(event, more), ...options }));
    },
  };
}

/** An event with all its keys, as the platform sends it; a change to undefined leaves a key out. */
export function bodyOf(event: string, more: Record<string, unknown> = {}): string {
  return JSON.stringify({
    event,
    call_id: 'MO1',
    caller_number: CALLER,
    receiver_number: RECEIVER,
    direction: 'inbound',
    timestamp: new Date().toISOString(),
    duration_seconds: 0,
    metadata: { queue: 'Sales', agent_id: 'ag_72', recording_url: null },
    ...more,
  });
}

/** So many seconds from now, as a timestamp. */
export function inSeconds(seconds: number): string {
  return new Date(Date.now() + seconds * 1000).toISOString();
}

/** The store of a board, for another command in another folder. */
export function storeOf({ io }: { io: TestIo }): string {
  return `sqlite:${io.cwd}/.mo-notify/deliveries.db`;
}

/** A `mo-notify dashboard` over a store, until the test ends or it is stopped. */
export async function startDashboardOf(store: string, args: string[] = []) {
  const io = testIo({ env: { MO_SECRET: SECRET } });
  const ended = run(['dashboard', '--json', '--port', '0', '--store', store, ...args], io);
  const failed = ended.then((code) => {
    throw new Error(`dashboard ended with ${code}: ${io.err()}`);
  });
  const [, link] = (await Promise.race([
    io.waitFor(/"type":"ready","dashboard":"([^"]+)"/),
    failed,
  ])) as RegExpMatchArray;
  failed.catch(() => {});
  const stop = async () => {
    io.interrupt();
    await ended;
  };
  onTestFinished(stop);
  return { link: link as string, port: Number(new URL(link as string).port), stop };
}

/** What `report --json` says of a board's log. */
export async function reportOf(board: Board, args: string[] = []): Promise<Report> {
  const io = testIo({ cwd: board.io.cwd });
  await run(['report', '--json', ...args], io);
  return JSON.parse(io.out()) as Report;
}

/** What `logs list --json` says of it, the latest first. */
export async function recordsOf({ io: { cwd } }: Board): Promise<Record<string, unknown>[]> {
  const io = testIo({ cwd });
  await run(['logs', 'list', '--json'], io);
  return jsonLines(io);
}

interface Report {
  totals: Record<string, number>;
  kpis: { name: string; observed: number | null; n: number; verdict: string; interval: number[] | null }[];
}

export interface Opened {
  page: Page;
  context: BrowserContext;
  watched: Watched;
}

interface Opening extends BrowserContextOptions {
  /** False where the page is not to become live. */
  live?: boolean;
  /** A page and a context that no test had before, to be changed at will. */
  fresh?: boolean;
}

/** The page that a browser's tests have one after another: another one takes half a second. */
const shared = new WeakMap<Browser, Opened & { taken: boolean }>();

/**
 * Opens an address in a page that is nobody else's during the test, without cookies; waits until it is live. What is asked
 * for of its context, or a second one within a test, takes a context of its own.
 */
export async function openPage(browser: Browser, link: string, opening: Opening = {}): Promise<Opened> {
  const { live = true, fresh = false, ...options } = opening;
  const usual = shared.get(browser);
  if (fresh || Object.keys(options).length > 0 || usual?.taken === true) {
    const context = await newContext(browser, options);
    onTestFinished(() => context.close());
    return openIn(context, link, { live });
  }
  const opened = usual ?? { ...(await newPage(await newContext(browser))), taken: false };
  shared.set(browser, opened);
  const { page, context, watched } = opened;
  opened.taken = true;
  onTestFinished(async () => {
    await page.goto('about:blank');
    opened.taken = false;
  });
  await context.clearCookies();
  for (const list of [watched.dialogs, watched.requests, watched.complaints]) list.length = 0;
  await page.goto(link);
  if (live) await isLive(page);
  return opened;
}

/** Opens an address in another page of a context, which may have been let in before. */
export async function openIn(
  context: BrowserContext,
  link: string,
  { live = true }: { live?: boolean } = {},
): Promise<Opened> {
  const opened = await newPage(context);
  onTestFinished(() => opened.page.close());
  await opened.page.goto(link);
  if (live) await isLive(opened.page);
  return opened;
}

/** Without motion, which costs much where a processor draws it. */
function newContext(browser: Browser, options: BrowserContextOptions = {}): Promise<BrowserContext> {
  return browser.newContext({ viewport: { width: 1280, height: 800 }, reducedMotion: 'reduce', ...options });
}

async function newPage(context: BrowserContext): Promise<Opened> {
  const page = await context.newPage();
  page.setDefaultTimeout(PATIENCE_MS);
  return { page, context, watched: watchPage(page) };
}

/** Once the page has what there is. */
export async function isLive(page: Page): Promise<void> {
  await page.locator('.link-state.live').waitFor();
  await page.locator('footer').waitFor();
}

/** From now on the time of a page, whose clock is installed, passes only where the test says so. */
export function stopClock(page: Page): Promise<void> {
  // It stops at a moment that is still to come; a busy machine may be there late.
  return eventually(() => page.clock.pauseAt(Date.now() + 2000)).toBeUndefined();
}

/** Waits until a value is as it should be. */
export function eventually<Value>(read: () => Promise<Value> | Value) {
  return expect.poll(read);
}

/** The rows of the grid that is shown, without its head and titles; those with a text. */
export function rows(page: Page, hasText?: string | RegExp): Locator {
  const all = page.locator('.grid .row:not(.section)');
  return hasText === undefined ? all : all.filter({ hasText });
}

/** The texts of a column in the order in which they are seen. */
export function column(page: Page, name: string): Promise<string[]> {
  return page.evaluate(`[...document.querySelectorAll('.grid .row:not(.section)')]
    .sort((a, b) => a.ariaRowIndex - b.ariaRowIndex)
    .map((row) => row.querySelector('.cell.${name}').textContent)`);
}

/** How many calls the chip of a status says there are. */
export async function countOf(page: Page, status: string): Promise<number> {
  return Number(await page.locator(`.chip.${status.toLowerCase()} b`).textContent());
}

export function goTo(page: Page, view: 'Live calls' | 'Deliveries' | 'KPIs'): Promise<void> {
  return page.getByRole('link', { name: view, exact: true }).click();
}

/** The dialog with a call's story. */
export function dialog(page: Page): Locator {
  return page.getByRole('dialog');
}

export function inspector(page: Page): Locator {
  return page.locator('.inspector');
}

/** What an inspected delivery has under a name. */
export function fact(page: Page, name: string): Locator {
  return page
    .locator('.facts dt', { hasText: new RegExp(`^${name}$`) })
    .locator('xpath=following-sibling::dd[1]');
}

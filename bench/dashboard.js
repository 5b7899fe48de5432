// Dashboard: what a page costs the receiver, how fast it shows what came, and what pages that do not read do to the
// server. The receiver on one core; load and browser on the other.
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { median, ratios, spread, verdict } from './figures.js';
import { canPin, output, start, stop, usage } from './pinned.js';

const ROUNDS = Number(process.env.ROUNDS ?? 5);
const SECONDS = Number(process.env.SECONDS ?? 30);
const COUNT = Number(process.env.COUNT ?? 40_000);
const RATE = 300;
const CALLS = 2000;
const PAGES = 200;
const PAINTS = 10;
const root = join(import.meta.dirname, '..');
const env = { MO_SECRET: 'bench-secret' };
const chromium = process.env.CHROME_PATH ?? '/usr/bin/chromium';

export async function dashboard() {
  console.log(
    `\nDashboard: ${RATE} events a second for ${SECONDS} s, ${CALLS} calls live${canPin ? ', receiver on a core of its own' : ', not pinned'}`,
  );
  const parts = process.env.PARTS?.split(',') ?? ['pages', 'rate', 'page'];
  const met = [];
  if (parts.includes('pages')) met.push(await manyPages());
  if (parts.includes('rate')) met.push(await receiverRate());
  if (!parts.includes('page')) return met.every(Boolean);
  if (existsSync(chromium)) met.push(await page());
  else console.log('      no Chromium (CHROME_PATH): nothing is said of the page itself');
  return met.every(Boolean);
}

/** A receiver with its dashboard, for as long as the work takes. */
async function withListen(work) {
  const folder = mkdtempSync(join(tmpdir(), 'mo-notify-bench-'));
  const server = start(0, [process.execPath, join(root, 'bin/mo-notify.js'), 'listen', '--port', '0'], {
    env,
    cwd: folder,
  });
  try {
    const [, url, link] = await printed(
      server,
      /Ready.*?(http:\/\/127\.0\.0\.1:\d+)[\s\S]*?dashboard (http:\S+)/,
    );
    return await work({ pid: server.pid, port: new URL(url).port, link, folder });
  } finally {
    await stop(server, 'SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
}

function printed(child, pattern) {
  return new Promise((resolve, reject) => {
    let text = '';
    child.stdout.on('data', (chunk) => {
      text += chunk;
      const found = pattern.exec(text);
      if (found !== null) resolve(found);
    });
    child.once('exit', () => reject(new Error('it ended before it was ready')));
  });
}

/** Starts calls; they go on once `go` is called, which resolves when they have. */
async function startCalls(port, seconds = SECONDS) {
  const child = start(
    1,
    [
      process.execPath,
      join(import.meta.dirname, 'live-calls.js'),
      port,
      String(CALLS),
      String(RATE),
      String(seconds),
    ],
    {
      env,
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  );
  await printed(child, /ringing/);
  return async () => {
    const ended = once(child, 'close');
    child.stdin.write('go\n');
    const [, result] = await printed(child, /(\{.*\})/);
    await ended;
    return JSON.parse(result);
  };
}

/** A cookie for the dashboard, as a page gets it. */
async function enter(link) {
  const { origin, hash } = new URL(link);
  const response = await fetch(`${origin}/session`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${hash.slice('#token='.length)}` },
  });
  return { origin, cookie: response.headers.get('set-cookie').split(';', 1)[0] };
}

/** A page's stream; one that reads counts messages and gaps between their ids. */
function openStream({ origin, cookie }, reads) {
  return new Promise((resolve, reject) => {
    const request = http.get(
      `${origin}/api/feed`,
      { headers: { Cookie: cookie }, agent: new http.Agent() },
      (response) => {
        const stream = { messages: 0, gaps: 0, missed: 0, last: 0, close: () => request.destroy() };
        if (!reads) response.pause();
        else {
          let rest = '';
          response.setEncoding('latin1').on('data', (chunk) => {
            const lines = (rest + chunk).split('\n');
            rest = lines.pop();
            for (const line of lines) {
              if (line === 'event: missed') stream.missed += 1;
              if (!line.startsWith('id: ')) continue;
              const id = Number(line.slice(4));
              if (stream.last !== 0 && id !== stream.last + 1) stream.gaps += 1;
              stream.last = id;
              stream.messages += 1;
            }
          });
        }
        response.on('error', () => {});
        resolve(stream);
      },
    );
    request.on('error', reject);
  });
}

/** Two thirds of the pages read. What each missed, and how the server's memory went. */
async function manyPages() {
  return withListen(async ({ pid, port, link }) => {
    // Twice as long: memory grows for some twenty seconds, until as much is kept as ever is.
    const go = await startCalls(port, 2 * SECONDS);
    const session = await enter(link);
    const streams = await Promise.all(
      Array.from({ length: PAGES }, (_, i) => openStream(session, i % 3 !== 0)),
    );
    const memory = [];
    const watch = setInterval(() => memory.push(usage(pid)?.rss ?? 0), 1000);
    const { sent, refused } = await go();
    clearInterval(watch);
    const reading = streams.filter((_, i) => i % 3 !== 0);
    const last = Math.max(...reading.map((stream) => stream.last));
    const behind = reading.filter(
      (stream) => stream.last < last - 1 || stream.gaps + stream.missed > 0,
    ).length;
    for (const stream of streams) stream.close();
    const middle = median(memory.slice(Math.floor(memory.length / 2) - 3, Math.floor(memory.length / 2) + 2));
    const late = median(memory.slice(-5));
    console.log(
      `      ${PAGES} pages, a third never reads: ${sent} events, ${refused} refused; ${reading[0].messages} messages to each`,
    );
    return [
      verdict('pages that read and missed something', [behind], '0', (n) => n === 0, 0),
      verdict('memory at the end / in the middle', [late / middle], '≤ 1.1', (r) => r <= 1.1),
      verdict('memory at the end, MB', [late], null, null, 0),
    ].every(Boolean);
  });
}

/** The receiver at its fastest: with nobody looking, with a stream being read. */
async function receiverRate() {
  const rates = { alone: [], watched: [] };
  const costs = { alone: [], watched: [] };
  for (let round = 0; round < ROUNDS; round++) {
    for (const side of ['alone', 'watched']) {
      await withListen(async ({ pid, port, link }) => {
        const load = (count) =>
          output(1, [process.execPath, join(import.meta.dirname, 'load.js'), port, String(count), '64'], {
            env: { ...env, BENCH_CALLS: process.env.BENCH_CALLS ?? String(CALLS) },
          });
        const stream =
          side === 'watched'
            ? start(1, [
                'curl',
                '-sN',
                '-o',
                '/dev/null',
                '-H',
                `Cookie: ${(await enter(link)).cookie}`,
                `${new URL(link).origin}/api/feed`,
              ])
            : null;
        await load(5000);
        // What it has put off is not what is measured.
        await new Promise((resolve) => setTimeout(resolve, 2000));
        const before = usage(pid);
        const { rate } = JSON.parse((await load(COUNT)).text);
        rates[side].push(rate);
        if (before !== null) costs[side].push(((usage(pid).cpu - before.cpu) / COUNT) * 1e6);
        stream?.kill();
      });
    }
  }
  for (const side of ['alone', 'watched'])
    console.log(
      `      receiver ${side.padEnd(10)} ${spread(rates[side], 0)} events/s   ${spread(costs[side], 1)} µs CPU an event`,
    );
  return verdict(
    'receiver with a page / without, at its fastest',
    ratios(rates.watched, rates.alone),
    '≥ 0.9',
    (r) => r >= 0.9,
  );
}

/** A real page: first paint, and what it shows how late while calls go on. */
async function page() {
  const { chromium: launcher } = await import('playwright-core');
  const wrapper = join(mkdtempSync(join(tmpdir(), 'mo-notify-bench-')), 'chromium');
  writeFileSync(wrapper, `#!/bin/sh\nexec ${canPin ? 'taskset -c 1 ' : ''}${chromium} "$@"\n`);
  chmodSync(wrapper, 0o755);
  const browser = await launcher.launch({
    executablePath: wrapper,
    args: ['--no-sandbox', '--enable-precise-memory-info'],
  });
  try {
    return await withListen((listen) => watch(browser, listen));
  } finally {
    await browser.close();
  }
}

async function watch(browser, { port, link, folder }) {
  const paints = [];
  for (let i = 0; i < PAINTS; i++) {
    const context = await browser.newContext();
    const tab = await context.newPage();
    await tab.goto(link);
    await tab.waitForSelector('nav');
    paints.push(
      await tab.evaluate(`performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0`),
    );
    await context.close();
  }
  const go = await startCalls(port);
  const tab = await browser.newPage({ viewport: { width: 1280, height: 900 } });
  await tab.addInitScript(
    `window.longest = 0; new PerformanceObserver((list) => { for (const { duration } of list.getEntries()) window.longest = Math.max(window.longest, duration); }).observe({ type: 'longtask', buffered: true });`,
  );
  await tab.goto(link);
  await tab.waitForSelector('.calls .row');
  const session = await tab.context().newCDPSession(tab);
  const measure = async () => {
    await session.send('HeapProfiler.collectGarbage');
    const { usedSize } = await session.send('Runtime.getHeapUsage');
    return { heap: usedSize / 1024 ** 2, nodes: await tab.evaluate(`document.querySelectorAll('*').length`) };
  };
  await tab.evaluate('window.longest = 0');
  const before = await measure();
  const running = go();
  let most = 0;
  const watching = setInterval(async () => {
    most = Math.max(most, await tab.evaluate(`document.querySelectorAll('*').length`).catch(() => 0));
  }, 1000);
  const { sent, refused } = await running;
  clearInterval(watching);
  const longest = await tab.evaluate('window.longest');
  const after = await measure();
  await tab.evaluate(`new Promise((resolve) => setTimeout(resolve, 2500))`);
  await tab.close();
  const { text } = await output(
    1,
    [process.execPath, join(root, 'bin/mo-notify.js'), 'logs', 'export', '--kind', 'receipt'],
    { cwd: folder, env },
  );
  const delays = text
    .split('\n')
    .filter((line) => line.includes('"shown_at"'))
    .map((line) => JSON.parse(line))
    .map(({ shown_at, received_at }) => Date.parse(shown_at) - Date.parse(received_at));
  const sorted = [...delays].sort((a, b) => a - b);
  console.log(
    `      ${sent} events, ${refused} refused; ${delays.length} were on the screen; shown after p95 ${sorted[Math.floor(sorted.length * 0.95)]} ms, at most ${sorted.at(-1)} ms`,
  );
  return [
    verdict('first paint, ms', paints, '< 300', (ms) => ms < 300, 0),
    verdict('receipt to screen, median, ms', [median(delays)], '< 250', (ms) => ms < 250, 0),
    verdict('longest task of the page, ms', [longest], '≤ 200', (ms) => ms <= 200, 0),
    verdict('nodes of the page, at most', [most], '≤ 2000', (n) => n <= 2000, 0),
    verdict('heap of the page, end / beginning', [after.heap / before.heap], '≤ 1.5', (r) => r <= 1.5),
    verdict('heap of the page at the end, MB', [after.heap], null, null, 1),
  ].every(Boolean);
}

if (process.argv[1] === import.meta.filename) process.exitCode = (await dashboard()) ? 0 : 1;

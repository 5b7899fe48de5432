// The dashboard's pictures in the documentation: `npm run screenshots`, with a Chromium in CHROME_PATH or /usr/bin. A
// receiver, an app behind it that fails now and then, and the calls of a busy minute; numbers that nobody is called on.
import { execFile, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import http from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { chromium } from 'playwright-core';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const images = join(root, 'docs/images');
const folder = mkdtempSync(join(tmpdir(), 'mo-notify-screenshots-'));
const bin = [process.execPath, join(root, 'bin/mo-notify.js')];
const env = { PATH: process.env.PATH, MO_SECRET: 'a secret for pictures' };

/** What is sent: a scenario's events up to some point, and whose call it is. */
const CALLS = [
  ['Sales', 'ag_12', 'inbound', ['initiated', 'connected']],
  ['Support', 'ag_31', 'inbound', ['initiated', 'connected', 'transferred']],
  ['Billing', 'ag_07', 'outbound', ['initiated']],
  ['Sales', 'ag_18', 'inbound', ['initiated', 'connected', 'disconnected']],
  ['Support', 'ag_44', 'inbound', ['initiated', 'missed']],
  ['Sales', 'ag_12', 'outbound', ['initiated', 'connected']],
  ['Support', 'ag_29', 'inbound', ['initiated', 'connected', 'disconnected']],
  ['Billing', 'ag_07', 'inbound', ['initiated', 'connected']],
  ['Sales', 'ag_15', 'inbound', ['initiated']],
];

/** How a call of the first round goes on to its end. */
const END = {
  initiated: ['missed'],
  connected: ['disconnected'],
  transferred: ['disconnected'],
  disconnected: [],
  missed: [],
};

let asked = 0;
const app = http.createServer((request, response) => {
  const failing = ++asked % 14 === 6;
  request.resume().on('end', () => {
    response.writeHead(failing ? 500 : 200, { 'Content-Type': 'application/json' });
    response.end(JSON.stringify(failing ? { error: 'the CRM is not reachable' } : { ok: true }));
  });
});
await new Promise((resolve) => app.listen(0, '127.0.0.1', resolve));

const listen = spawn(
  bin[0],
  [bin[1], 'listen', String(app.address().port), '--port', '0', '--store', 'deliveries.db', '--json'],
  {
    cwd: folder,
    env,
  },
);
const { url, dashboard } = await new Promise((resolve) =>
  listen.stdout.once('data', (line) => resolve(JSON.parse(String(line).split('\n')[0]))),
);
const browser = await chromium.launch({
  executablePath: process.env.CHROME_PATH ?? '/usr/bin/chromium',
  args: ['--no-sandbox'],
});
mkdirSync(images, { recursive: true });
try {
  const context = await browser.newContext({ viewport: { width: 1280, height: 680 }, colorScheme: 'light' });
  const page = await context.newPage();
  await page.goto(dashboard);
  await page.waitForSelector('.empty');
  let n = 0;
  for (const round of [0, 1])
    for (const [queue, agent, direction, events] of CALLS) {
      await call(n++, queue, agent, direction, round === 0 ? [...events, ...END[events.at(-1)]] : events);
    }
  await send('--fault', 'tampered-body', '--event', 'connected');
  await send('--event', 'missed', '--duplicate', '1');
  await page.waitForFunction(`document.querySelectorAll('.calls .row:not(.section)').length > 8`);
  await page.waitForTimeout(5000);
  await page.screenshot({ path: join(images, 'dashboard-calls.png') });

  await page.emulateMedia({ colorScheme: 'dark' });
  await page.getByRole('link', { name: 'Deliveries' }).click();
  const failed = page.locator('.deliveries .row.failed', { hasText: 'received', hasNotText: 'duplicate' });
  await failed.first().click();
  await page.waitForSelector('.answer');
  await page.screenshot({ path: join(images, 'dashboard-deliveries.png') });

  await page.emulateMedia({ colorScheme: 'light' });
  await page.getByRole('link', { name: 'KPIs' }).click();
  await page.waitForSelector('.plot canvas');
  await page.waitForTimeout(2500);
  await page.screenshot({ path: join(images, 'dashboard-kpis.png') });
  console.log(`Wrote ${images}.`);
} finally {
  await browser.close();
  listen.kill('SIGINT');
  app.close();
  rmSync(folder, { recursive: true, force: true });
}

async function call(n, queue, agent, direction, events) {
  const id = `MO${4_100_200 + 37 * n}`;
  for (const event of events)
    await send(
      '--event',
      event,
      '--call-id',
      id,
      '--set',
      `caller_number=+9198765${String(40_017 + 613 * n)}`,
      '--set',
      `direction=${direction}`,
      '--set',
      `metadata.queue=${queue}`,
      '--set',
      `metadata.agent_id=${agent}`,
    );
}

/** A failed delivery is what some of these are for. */
function send(...args) {
  return promisify(execFile)(
    bin[0],
    [
      bin[1],
      'send-test',
      url,
      '--store',
      'deliveries.db',
      '--quiet',
      '--retries',
      '1',
      '--backoff',
      '100ms',
      ...args,
    ],
    { cwd: folder, env },
  ).catch(() => {});
}

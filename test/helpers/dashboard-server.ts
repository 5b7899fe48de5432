import { type IncomingHttpHeaders, request } from 'node:http';
import { expect, onTestFinished } from 'vitest';
import { run } from '../../src/cli/main.ts';
import type { Store } from '../../src/core/store.ts';
import { type Dashboard, type DashboardOptions, startDashboard } from '../../src/dashboard/server.ts';
import { openStore } from '../../src/store/open.ts';
import { type DeliveryOptions, delivery, SECRET } from './delivery.ts';
import { type OpenStream, openStream } from './event-stream.ts';
import { post } from './raw-http.ts';
import { jsonLines, type RunningListen, startListen, testIo } from './test-io.ts';

export interface Answered {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
  // biome-ignore lint/suspicious/noExplicitAny: what the dashboard answers is looked into by tests
  json: () => any;
}

export interface Question {
  method?: string;
  /** Null leaves one out that would be there. */
  headers?: Record<string, string | null>;
  body?: string | Buffer;
}

/** Asks a server on a connection of its own; the headers are those given, `Host` among them. */
export function ask(port: number, path: string, { method = 'GET', headers = {}, body }: Question = {}) {
  return new Promise<Answered>((resolve, reject) => {
    const given = Object.entries({ Host: `127.0.0.1:${port}`, ...headers }).filter(
      ([, value]) => value !== null,
    );
    const asked = request({
      host: '127.0.0.1',
      port,
      path,
      method,
      headers: Object.fromEntries(given) as Record<string, string>,
      setHost: false,
      agent: false,
    });
    asked.once('error', reject);
    asked.once('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('error', reject);
      response.once('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        const { statusCode: status = 0, headers: found } = response;
        resolve({ status, headers: found, body: text, json: () => JSON.parse(text) });
      });
    });
    asked.end(body);
  });
}

/** A page that has been let in. */
export interface Session {
  port: number;
  cookie: string;
  ask(path: string, question?: Question): Promise<Answered>;
  post(path: string, body?: string): Promise<Answered>;
  stream(path?: string, headers?: Record<string, string>): Promise<OpenStream>;
}

/** Follows a printed link as the page does. */
export async function enter(link: string): Promise<Session> {
  const { port, hash } = new URL(link);
  const token = new URLSearchParams(hash.slice(1)).get('token');
  const entered = await ask(Number(port), '/session', {
    method: 'POST',
    headers: { Authorization: `Bearer ${token}` },
  });
  expect(entered.status).toBe(200);
  const [cookie] = entered.headers['set-cookie'] as [string];
  return sessionOf(Number(port), cookie.split(';')[0] as string);
}

function sessionOf(port: number, cookie: string): Session {
  const sent = { Host: `127.0.0.1:${port}`, Cookie: cookie };
  return {
    port,
    cookie,
    ask: (path, question = {}) => ask(port, path, { ...question, headers: { ...sent, ...question.headers } }),
    post: (path, body = '') => ask(port, path, { method: 'POST', body, headers: sent }),
    stream: (path = '/api/feed', headers = {}) => openStream(port, path, { ...sent, ...headers }),
  };
}

export interface TestDashboard extends Session {
  dashboard: Dashboard;
  store: Store;
  token: string;
  /** What it was told that should not happen. */
  faults: unknown[];
}

/** A dashboard on a free port over a store in memory, and a page of it; both end with the test. */
export async function startTestDashboard(options: Partial<DashboardOptions> = {}): Promise<TestDashboard> {
  const store = options.store ?? (await openStore('sqlite::memory:'));
  const faults: unknown[] = [];
  const dashboard = await startDashboard({
    host: '127.0.0.1',
    port: 0,
    portFlag: '--port',
    now: Date.now,
    elapsed: () => performance.now(),
    about: { version: '0.0.0', location: 'memory', receiver: null, app: null },
    allowHosts: [],
    resend: null,
    explain: () => null,
    onFault: (error) => faults.push(error),
    ...options,
    store,
  });
  onTestFinished(() => dashboard.close());
  const token = dashboard.link.split('#token=')[1] as string;
  return { ...(await enter(dashboard.link)), dashboard, store, token, faults };
}

/** A `listen` with an app behind it, and a page of its dashboard; all end with the test. */
export async function startWithPage(
  args: string[] = [],
): Promise<{ listen: RunningListen; page: Session; send: (options?: DeliveryOptions) => Promise<number> }> {
  const listen = await startListen(args, { env: { MO_SECRET: SECRET } });
  onTestFinished(async () => void (await listen.stop()));
  const page = await enter(jsonLines(listen.io)[0]?.dashboard as string);
  return {
    listen,
    page,
    send: async (options = {}) => (await post(listen.port, delivery(options), { path: '/hook' })).status,
  };
}

/** What `report --json` says of the same log. */
export async function reportOf({ io }: RunningListen, args: string[] = []) {
  const report = testIo({ cwd: io.cwd });
  await run(['report', '--json', ...args], report);
  return JSON.parse(report.out());
}

import type { IncomingMessage, ServerResponse } from 'node:http';
import { curlCommand } from '../core/curl.ts';
import { KnownError, StoreError, UsageError } from '../core/errors.ts';
import { endToEnd } from '../core/headers.ts';
import type { LogRecord, RecordKind } from '../core/record.ts';
import type { LogEntry, Store } from '../core/store.ts';
import { readFilter } from './delivery-filter.ts';
import type { Feed } from './feed.ts';
import { readKpis } from './kpis.ts';
import { inspect, readEntry, readPage } from './log-reader.ts';
import { readShown } from './shown.ts';
import { type About, type Resent, WINDOWS, type WindowName } from './wire.ts';

/** What a page is answered with: a whole body, or a stream whose head it is. */
export interface Answer {
  status: number;
  type: string;
  headers?: Record<string, string>;
  body: string | Buffer;
  stream?: (response: ServerResponse) => void;
}

export interface Asked {
  /** The path's parts, as its pattern finds them. */
  path: readonly string[];
  query: URLSearchParams;
  body: Buffer;
}

/** What answers are made from. */
export interface Served {
  store: Store;
  feed: Feed;
  about: About;
  now: () => number;
  resend: ((entry: LogEntry) => Promise<Resent>) | null;
  explain: (record: LogRecord) => string | null;
  request: IncomingMessage;
}

export interface Route {
  method: 'GET' | 'POST';
  path: RegExp;
  answer: (asked: Asked, served: Served) => Promise<Answer> | Answer;
}

/** More pages than this are asked to come again: each takes a share of every message. */
const MOST_PAGES = 256;
const MOST_ROWS = 200;
const RECORD = '(receipt|attempt)/(\\d{1,15})';

/** All that a page can ask for, once it has been let in. */
export const ROUTES: readonly Route[] = [
  { method: 'GET', path: /^\/api\/feed$/, answer: openFeed },
  { method: 'GET', path: /^\/api\/calls\/(\d{1,16})$/, answer: showCall },
  { method: 'GET', path: /^\/api\/deliveries$/, answer: listDeliveries },
  { method: 'GET', path: new RegExp(`^/api/deliveries/${RECORD}$`), answer: inspectDelivery },
  { method: 'GET', path: new RegExp(`^/api/deliveries/${RECORD}/curl$`), answer: writeCurl },
  { method: 'POST', path: new RegExp(`^/api/deliveries/${RECORD}/resend$`), answer: resendDelivery },
  { method: 'GET', path: /^\/api\/kpis$/, answer: showKpis },
  { method: 'POST', path: /^\/api\/shown$/, answer: noteShown },
];

export function json(value: unknown, status = 200): Answer {
  return { status, type: 'application/json', body: JSON.stringify(value) };
}

export function text(status: number, body: string): Answer {
  return { status, type: 'text/plain; charset=utf-8', body };
}

/** What is known to go wrong is said in words; the rest is nobody's business but `onFault`'s. */
export function answerError(error: unknown, onFault?: (error: unknown) => void): Answer {
  if (error instanceof UsageError) return json({ error: error.message }, 422);
  if (error instanceof StoreError)
    return { ...json({ error: error.message }, 503), headers: { 'Retry-After': '1' } };
  if (error instanceof KnownError) return json({ error: error.message }, 500);
  onFault?.(error);
  return json({ error: 'Internal error' }, 500);
}

async function openFeed({ query }: Asked, { feed, request }: Served): Promise<Answer> {
  if (feed.clients >= MOST_PAGES)
    return {
      ...json({ error: `${MOST_PAGES} pages look at this dashboard; close one` }, 503),
      headers: { 'Retry-After': '5' },
    };
  const after = request.headers['last-event-id'] ?? query.get('after');
  await feed.open();
  return {
    status: 200,
    type: 'text/event-stream',
    body: '',
    stream: (response) => feed.join(response, after === null ? null : messageId(after)),
  };
}

/** What is no id at all was surely no message of ours: the page gets everything, and is told so (fault F7). */
function messageId(given: string | string[]): number {
  return typeof given === 'string' && /^\d{1,16}$/.test(given) ? Number(given) : -1;
}

function showCall({ path }: Asked, { feed }: Served): Answer {
  const call = feed.call(Number(path[1]));
  return call === null ? json({ error: 'This call is not kept any more' }, 404) : json(call);
}

async function listDeliveries({ query }: Asked, { store }: Served): Promise<Answer> {
  const [attempt = 0, receipt = 0] = (/^(\d{1,15})\.(\d{1,15})$/.exec(query.get('cursor') ?? '') ?? [])
    .slice(1)
    .map(Number);
  const wanted = /^[1-9]\d{0,5}$/.exec(query.get('limit') ?? '')?.[0] ?? 100;
  const limit = Math.min(Number(wanted), MOST_ROWS);
  return json(
    await readPage(
      store,
      readFilter((name) => query.get(name)),
      { attempt, receipt },
      limit,
    ),
  );
}

async function inspectDelivery({ path }: Asked, { store, explain }: Served): Promise<Answer> {
  const entry = await findEntry(path, store);
  return entry === null ? gone() : json(await inspect(store, entry, explain));
}

async function writeCurl({ path }: Asked, { store, about }: Served): Promise<Answer> {
  const entry = await findEntry(path, store);
  if (entry === null) return gone();
  const { headers, body } = sendable(entry);
  const url = new URL(about.app ?? about.receiver ?? 'http://127.0.0.1:4800/');
  return text(200, curlCommand(url, endToEnd(headers), body));
}

async function resendDelivery({ path }: Asked, { store, feed, resend }: Served): Promise<Answer> {
  if (resend === null)
    throw new UsageError(
      "There is no app to send it to; start with 'mo-notify listen 3000', or 'mo-notify dashboard 3000'.",
    );
  const entry = await findEntry(path, store, { credentials: true });
  if (entry === null) return gone();
  sendable(entry);
  const resent = await resend(entry);
  feed.poll();
  return json(resent);
}

async function showKpis({ query }: Asked, { store, now }: Served): Promise<Answer> {
  const window = query.get('window') ?? 'all';
  if (!Object.hasOwn(WINDOWS, window))
    throw new UsageError(`'${window}' is not a window. Known: ${Object.keys(WINDOWS).join(', ')}.`);
  return json(await readKpis(store, window as WindowName, now()));
}

async function noteShown({ body }: Asked, { store, now }: Served): Promise<Answer> {
  await store.noteShown(readShown(body, now()));
  return json({});
}

function findEntry(
  path: readonly string[],
  store: Store,
  options: { credentials?: boolean } = {},
): Promise<LogEntry | null> {
  return readEntry(store, path[1] as RecordKind, Number(path[2]), options);
}

/** What it takes to make the same request again: of what was received, headers and body are on record. */
function sendable({ record, cut }: LogEntry) {
  const { headers, body } = record;
  if (cut) throw new UsageError('Only the beginning of its body is on record, so it cannot be sent again.');
  if (headers !== null && body !== null) return { headers, body };
  throw new UsageError(
    "Its headers or its body are not on record, so the same request cannot be made again. 'mo-notify replay' signs anew.",
  );
}

function gone(): Answer {
  return json({ error: 'This record is not in the log any more' }, 404);
}

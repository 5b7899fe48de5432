import { headerValue } from '../core/headers.ts';
import type { Channel } from '../core/relay-store.ts';
import { serve } from '../http/serve.ts';
import type { Admission, Answer, RequestHead, RequestInPieces } from '../http/serve-options.ts';
import { createAttacher } from './attach.ts';
import { bearerToken } from './attach-guard.ts';
import { Directory } from './directory.ts';
import { clientAddress, speaksForAnother } from './forwarding.ts';
import { CLOSE } from './link.ts';
import type { Listener } from './listener.ts';
import { LiveChannel } from './live-channel.ts';
import { Memory } from './memory.ts';
import { renderRelayMetrics } from './relay-metrics.ts';
import type { Relay, RelayOptions } from './relay-options.ts';

const EXPIRE_EVERY_MS = 60_000;
const STATUS_EVERY_MS = 1000;
const MAX_CONNECTIONS = 8192;
const NOT_FOUND: Answer = { status: 404, headers: [], body: 'Not found' };
const POST_ONLY: Answer = { status: 405, headers: ['Allow', 'POST'], body: 'Use POST' };
const READ_ONLY: Answer = { status: 405, headers: ['Allow', 'GET'], body: 'Use GET' };
const DRAINING: Answer = {
  status: 503,
  headers: ['Retry-After', '5'],
  body: 'This relay is restarting, try again',
};
const TEXT = ['Content-Type', 'text/plain; charset=utf-8', 'Cache-Control', 'no-store'];
const OPENMETRICS = 'application/openmetrics-text; version=1.0.0; charset=utf-8';

/** Serves channels: publishers post to a channel's path, its listener is attached there by WebSocket (docs/relay.md). */
export async function startRelay(options: RelayOptions): Promise<Relay> {
  const { store, clock, publicUrl, onEvent } = options;
  const prefix = publicUrl === null ? '' : new URL(publicUrl).pathname.replace(/\/$/, '');
  const proto = publicUrl?.startsWith('https:') || options.tls !== undefined ? 'https' : 'http';
  const live = new Map<string, LiveChannel>();
  const memory = new Memory(options.maxMemory);
  let draining = false;
  let storeFails = false;
  let toldOfProxy = options.trustProxy;

  const onStoreFailure = (error: unknown) => {
    storeFails = true;
    onEvent({ kind: 'store', error });
  };
  const directory = await Directory.open(store, clock, {
    onChanged: (channel) => {
      const running = live.get(channel.id);
      if (running !== undefined) running.channel = channel;
    },
    onGone: (id, why) => {
      const running = live.get(id);
      live.delete(id);
      // Of a channel that was revoked they are gone already; of one whose time is over they still wait.
      running?.backlog.expire(Number.POSITIVE_INFINITY);
      running?.backlog.stop();
      running?.dismissAll(CLOSE.revoked, why);
    },
    onStoreFailure,
  });

  function liveChannel(channel: Channel): LiveChannel {
    let found = live.get(channel.id);
    if (found === undefined) {
      found = new LiveChannel({
        channel,
        store,
        clock,
        random: options.random,
        maxQueue: options.maxQueue,
        memory,
        onFailed: (status) => onEvent({ kind: 'failed', channel: channel.name, status }),
        onStoreFailure,
      });
      live.set(channel.id, found);
    }
    return found;
  }

  /** The one part of a request's path that says what it is about; null where there is more or nothing. */
  function place(target: string): string | null {
    const path = target.split('?', 1)[0] as string;
    const rest = prefix !== '' && path.startsWith(`${prefix}/`) ? path.slice(prefix.length) : path;
    return /^\/([\w-]{1,64})$/.exec(rest)?.[1] ?? null;
  }

  function addressOf({ peer, headers }: RequestHead): string {
    if (!toldOfProxy && speaksForAnother(peer, headers)) {
      toldOfProxy = true;
      onEvent({ kind: 'unbelieved', peer });
    }
    return clientAddress(peer, headers, options.trustProxy);
  }

  function admit(head: RequestHead): Answer | Admission {
    const name = place(head.target);
    if (name === 'healthz') return health(head);
    if (name === 'metrics' && options.token !== null) return metrics(head, options.token);
    if (name === null) return NOT_FOUND;
    if (directory.find(name) === null && directory.stale)
      return { handle: (request) => afterLook(head, request) };
    return admitTo(directory.find(name), head);
  }

  /** For a channel that may have been made a moment ago. */
  async function afterLook(head: RequestHead, request: RequestInPieces): Promise<Answer> {
    await directory.refresh();
    const decided = admitTo(directory.find(place(head.target) ?? ''), head);
    return 'status' in decided ? decided : decided.handle(request);
  }

  function admitTo(channel: Channel | null, head: RequestHead): Answer | Admission {
    if (channel === null) return NOT_FOUND;
    if (head.method !== 'POST') return POST_ONLY;
    if (draining) return DRAINING;
    const running = liveChannel(channel);
    const bytes = head.length ?? options.maxBody;
    const refusal = running.refusal(bytes, head.headers);
    if (refusal !== null) return refusal;
    running.reserve(bytes);
    const release = () => running.release(bytes);
    const from = { address: addressOf(head), proto };
    return {
      handle: (request) => running.publish(request, from).finally(release),
      abandoned: release,
    };
  }

  function health({ method }: RequestHead): Answer {
    if (method !== 'GET' && method !== 'HEAD') return READ_ONLY;
    if (draining) return { ...DRAINING, body: 'draining' };
    return { status: storeFails ? 503 : 200, headers: TEXT, body: storeFails ? 'store failing' : 'ok' };
  }

  function metrics({ method, headers }: RequestHead, token: NonNullable<RelayOptions['token']>): Answer {
    if (method !== 'GET' && method !== 'HEAD') return READ_ONLY;
    const given = bearerToken(headerValue(headers, 'Authorization'));
    if (given === null || !token.matches(given))
      return { status: 401, headers: ['WWW-Authenticate', 'Bearer'], body: 'Unauthorized' };
    return {
      status: 200,
      headers: ['Content-Type', OPENMETRICS],
      body: renderRelayMetrics([...live.values()], memory),
    };
  }

  const attach = createAttacher(options, {
    ...{ directory, liveChannel, place, addressOf, memory },
    draining: () => draining,
  });

  await store.tidy();
  /** Of channels that have expired. */
  const orphans: number[] = [];
  for (const kept of await store.waiting()) {
    const channel = directory.find(kept.channel);
    if (channel === null) orphans.push(kept.seq);
    else liveChannel(channel).backlog.add(kept, null);
  }
  await store.drop(orphans);

  const stopExpiring = clock.every(EXPIRE_EVERY_MS, () => {
    for (const { backlog, counts, channel } of live.values()) {
      const count = backlog.expire(clock.now() - options.retainMs);
      counts.expired += count;
      if (count > 0) onEvent({ kind: 'expired', channel: channel.name, count });
    }
  });
  const told = new WeakMap<Listener, number>();
  const stopTelling = clock.every(STATUS_EVERY_MS, () => {
    storeFails = false;
    memory.waiting = [...live.values()].reduce((sum, { backlog }) => sum + backlog.count, 0);
    for (const { backlog, listeners } of live.values()) {
      for (const listener of listeners) {
        if (told.get(listener) === backlog.count) continue;
        told.set(listener, backlog.count);
        listener.link.control({ type: 'waiting', waiting: backlog.count });
      }
    }
  });

  const stopLooking = () => {
    directory.stop();
    stopExpiring();
    stopTelling();
    for (const { backlog } of live.values()) backlog.stop();
  };

  const server = await serve({
    host: options.host,
    port: options.port,
    ...(options.tls === undefined ? {} : { tls: options.tls }),
    maxBody: options.maxBody,
    allowHosts: null,
    now: clock.now,
    admit,
    upgrade: (head, socket, rest) => {
      socket.on('error', () => {});
      attach(head, socket, rest).catch((error) => {
        onStoreFailure(error);
        socket.destroy();
      });
    },
    onFault: (fault) => onEvent({ kind: 'fault', fault }),
    limits: { maxConnections: MAX_CONNECTIONS },
  }).catch((error) => {
    stopLooking();
    throw error;
  });

  return {
    port: server.port,
    host: server.host,
    renewTls: server.renewTls,
    channels: () => [...live.values()],
    async close(graceMs) {
      draining = true;
      stopLooking();
      const closed = server.close(graceMs);
      // What is under way is answered before its listener is sent away.
      const deadline = clock.elapsed() + graceMs;
      while ([...live.values()].some(({ underWay }) => underWay > 0) && clock.elapsed() < deadline)
        await new Promise((resolve) => setTimeout(resolve, 20));
      for (const running of live.values()) running.dismissAll(CLOSE.restart, 'the relay is restarting');
      await closed;
    },
  };
}

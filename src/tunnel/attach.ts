import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { headerPairs, headerValue } from '../core/headers.ts';
import type { Channel } from '../core/relay-store.ts';
import { refuseOn } from '../http/refuse-on.ts';
import type { RequestHead } from '../http/serve-options.ts';
import { AttachGuard, bearerToken } from './attach-guard.ts';
import { ATTACH, PROTOCOL } from './control.ts';
import type { Directory } from './directory.ts';
import { CLOSE, Link } from './link.ts';
import { Listener } from './listener.ts';
import type { LiveChannel } from './live-channel.ts';
import type { Memory } from './memory.ts';
import type { RelayOptions } from './relay-options.ts';
import { createUpgrader } from './upgrader.ts';

/** What a relay is made of, as far as listeners are concerned. */
interface Premises {
  directory: Directory;
  liveChannel(channel: Channel): LiveChannel;
  /** What a request's path is about. */
  place(target: string): string | null;
  /** Where a request came from. */
  addressOf(head: RequestHead): string;
  memory: Memory;
  draining(): boolean;
}

/** Lets listeners in, or says why not; the answer is one of HTTP's, since there is no link yet (fault F12). */
export function createAttacher(
  { clock, publicUrl, heartbeatMs, onEvent }: RelayOptions,
  { directory, liveChannel, place, addressOf, memory, draining }: Premises,
): (head: RequestHead, socket: Socket, rest: Buffer) => Promise<void> {
  const guard = new AttachGuard();
  const upgrade = createUpgrader();

  return async function attach(head: RequestHead, socket: Socket, rest: Buffer): Promise<void> {
    const { headers, target } = head;
    const address = addressOf(head);
    const refuse = (status: number, body: string, more: string[] = [], channel: string | null = null) => {
      onEvent({ kind: 'refused', channel, address, status });
      refuseOn(socket, { status, headers: more, body });
    };
    if (draining()) return refuse(503, 'This relay is restarting, try again', ['Retry-After', '1']);
    await directory.refresh();
    const name = place(target);
    const channel = name === null ? null : directory.find(name);
    const verdict = guard.check(
      channel,
      bearerToken(headerValue(headers, 'Authorization')),
      address,
      clock.elapsed(),
    );
    if (verdict !== true || channel === null) {
      if (typeof verdict === 'number' && verdict > 0)
        return refuse(429, 'Too many wrong tokens', ['Retry-After', String(Math.ceil(verdict / 1000))]);
      return refuse(401, 'No such channel, or not its token', ['WWW-Authenticate', 'Bearer']);
    }
    const offered = headerValue(headers, 'Sec-WebSocket-Protocol')?.split(',') ?? [];
    if (!offered.some((protocol) => protocol.trim() === PROTOCOL))
      return refuse(426, `This relay speaks ${PROTOCOL}`, ['Upgrade', PROTOCOL], channel.name);
    const session = headerValue(headers, ATTACH.session) ?? randomBytes(16).toString('hex');
    const beside = headerValue(headers, ATTACH.beside);
    const running = liveChannel(channel);
    // Those who share let anybody in, so that the first comes back after a broken link.
    const occupant = () => running.others(session).find(({ shares }) => !shares);
    const holder = beside === undefined ? occupant() : undefined;
    if (holder !== undefined) {
      const since = new Date(holder.since).toISOString();
      return refuse(409, `Another listener is attached, since ${since}`, [], channel.name);
    }
    const ack = headerValue(headers, ATTACH.ack);
    if ((ack === 'app' || ack === 'relay') && ack !== channel.ack) await directory.setAck(channel, ack);
    const request = { method: head.method, headers: lowerCased(headers), url: target };
    const webSocket = await upgrade(request, socket, rest);
    if (webSocket === null) return;
    if (beside === undefined && occupant() !== undefined)
      return webSocket.close(CLOSE.replaced, 'another listener was first');
    let listener: Listener | null = null;
    const link = new Link(webSocket, {
      transport: socket,
      heartbeatMs,
      clock,
      memory,
      onFrames: (frames) => listener?.take(frames),
      onControl: (control) => {
        if (control.type !== 'open' || listener === null) return;
        if (control.open) link.control({ type: 'opened' });
        running.setOpen(listener, control.open);
      },
      onEnd: ({ reason }) => {
        if (listener === null) return;
        running.detach(listener);
        const waiting = running.backlog.count;
        onEvent({ kind: 'detached', channel: channel.name, address, reason, waiting });
      },
    });
    // Another one may have come while this one was being let in.
    const copy = beside !== 'takeover' && running.others(session).length > 0;
    listener = new Listener(link, { session, shares: beside === 'fan-out', since: clock.now() });
    running.attach(listener, beside === 'takeover');
    running.counts.attached += 1;
    link.control({
      type: 'attached',
      channel: channel.name,
      public_url: publicUrl === null ? null : `${publicUrl}/${channel.id}`,
      ack: running.channel.ack,
      heartbeat_ms: heartbeatMs,
      waiting: running.backlog.count,
      copy,
    });
    onEvent({ kind: 'attached', channel: channel.name, address, waiting: running.backlog.count, copy });
  };
}

/** Headers as ws wants them. */
function lowerCased(headers: readonly string[]): Record<string, string> {
  return Object.fromEntries(headerPairs(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

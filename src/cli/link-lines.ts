import { displayUrl, visible } from '../core/redact.ts';
import { formatDuration } from '../core/time.ts';
import type { LinkState, Tunnel } from '../tunnel/tunnel-options.ts';
import type { OpenWay } from './listen-way.ts';
import type { Style } from './style.ts';

// How a way from the internet, and the link it goes over, are told of.

/** What the ready lines say of it. */
export function wayLines({ publicUrl, proof, tunnel }: OpenWay, { strong, dim, warn }: Style): string[] {
  const proved = proof === null ? 'not proved (--no-probe)' : `proved in ${formatDuration(proof.tookMs)}`;
  const state = tunnel?.state();
  const kept =
    state?.state === 'live' && state.ack === 'relay'
      ? dim(`, which stores and answers; ${state.waiting} wait there`)
      : '';
  const copy = state?.state === 'live' && state.copy ? dim(', beside another listener, which answers') : '';
  return [
    `       from the internet ${strong(visible(displayUrl(publicUrl), 300))}  ${dim(proved)}${kept}${copy}`,
    ...(proof?.remarks ?? []).map((remark) => `       ${warn(visible(remark, 300))}`),
  ];
}

/** What has just become of a link; null where that is not worth a line. */
export function linkLine(state: LinkState, { good, bad, warn, dim }: Style): string | null {
  switch (state.state) {
    case 'live':
      return `${good('===')}  tunnel live again${state.waiting === 0 ? '' : `, ${state.waiting} waiting at the relay`}`;
    case 'lost':
      return `${warn('=/=')}  tunnel lost: ${visible(state.reason, 200)}${dim(`  again in ${formatDuration(state.retryInMs)}`)}`;
    case 'ended':
      return `${bad('=/=')}  tunnel ended: ${visible(state.reason, 200)}`;
    default:
      return null;
  }
}

export function linkJson(state: LinkState): Record<string, unknown> {
  switch (state.state) {
    case 'live': {
      const { channel, publicUrl, ack, waiting, copy } = state;
      return {
        type: 'tunnel',
        state: 'live',
        channel,
        public_url: displayUrl(publicUrl),
        ack,
        waiting,
        copy,
      };
    }
    case 'lost':
      return { type: 'tunnel', state: 'lost', reason: state.reason, retry_in_ms: state.retryInMs };
    case 'ended':
      return { type: 'tunnel', state: 'ended', reason: state.reason };
    default:
      return { type: 'tunnel', state: state.state };
  }
}

/** The state of a link at any moment, as `Io.elapsed` has it, for the line at the foot of the terminal. */
export function linkStatus(tunnel: Tunnel, elapsed: number, { good, warn }: Style): string {
  const { state } = tunnel.state();
  const heard = `last heartbeat ${formatDuration(elapsed - tunnel.heardAt())} ago`;
  if (state !== 'live') return `${warn('○')} tunnel lost, ${heard}`;
  const waiting = tunnel.waiting();
  return `${good('●')} tunnel live, ${heard}${waiting === 0 ? '' : `, ${waiting} waiting at the relay`}`;
}

import { visible } from '../core/redact.ts';
import type { Channel } from '../core/relay-store.ts';
import { formatClock } from '../core/time.ts';
import type { LiveChannel } from '../tunnel/live-channel.ts';
import type { RelayEvent } from '../tunnel/relay-options.ts';
import type { Context } from './context.ts';

/** What the user sees of a running relay. */
export interface RelayLog {
  ready(about: {
    url: string;
    publicUrl: string | null;
    channels: readonly Channel[];
    location: string;
  }): void;
  event(event: RelayEvent): void;
  /** It has another certificate from now on, which ends at this time. */
  renewed(until: number): void;
  summary(channels: readonly LiveChannel[]): void;
}

export function relayLog(context: Context): RelayLog {
  const json = context.options.json === true;
  const quiet = context.options.quiet === true;
  const { good, bad, warn, dim, strong, name } = context.style('stdout');
  let lastFailure = '';

  function line(mark: string, channel: string | null, text: string): void {
    if (quiet) return;
    const who = channel === null ? '' : `${visible(channel, 64)}  `;
    context.print(`${dim(formatClock(context.io.now(), 'ms'))}  ${mark}  ${who}${text}`);
  }

  function storeFailed(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    if (message === lastFailure) return;
    lastFailure = message;
    context.warn(`mo-notify: the relay's store: ${message}`);
  }

  return {
    ready({ url, publicUrl, channels, location }) {
      if (json)
        return context.printJson({ type: 'ready', url, public_url: publicUrl, channels: channels.length });
      if (quiet) return;
      const called = publicUrl === null ? '' : `, called ${strong(publicUrl)} from outside`;
      context.print(`${good('Ready')}  a relay on ${strong(url)}${called}`);
      context.print(dim(`       ${channels.length} channels in ${location}`));
      if (channels.length === 0)
        context.note("Next: 'mo-notify relay channel create dev', in this folder, makes a channel.");
    },
    event(event) {
      if (event.kind === 'store') return storeFailed(event.error);
      if (event.kind === 'unbelieved')
        return context.warn(
          `mo-notify: X-Forwarded-For from ${event.peer} is ignored. Use --trust-proxy if a proxy on this machine sets it.`,
        );
      if (json) return context.printJson(toJson(event));
      switch (event.kind) {
        case 'attached':
          return line(
            good('●'),
            event.channel,
            `listener attached from ${event.address}${event.copy ? ', beside another' : ''}${waiting(event.waiting)}`,
          );
        case 'detached':
          return line(
            warn('○'),
            event.channel,
            `listener gone: ${visible(event.reason, 200)}${waiting(event.waiting)}`,
          );
        case 'refused':
          return line(bad('✗'), event.channel, `listener from ${event.address} refused with ${event.status}`);
        case 'failed':
          return line(
            bad('✗'),
            event.channel,
            `gave up a delivery: the app answered ${event.status} four times`,
          );
        case 'expired':
          return line(bad('✗'), event.channel, `gave up ${event.count} deliveries that nobody took in time`);
        case 'fault':
          if (context.options.verbose === true)
            line(name('xxx'), null, `${event.fault.kind.replace('_', ' ')}: ${visible(event.fault.detail)}`);
      }
    },
    renewed(until) {
      const end = new Date(until).toISOString();
      if (json) return context.printJson({ type: 'certificate', valid_until: end });
      line(good('✓'), null, `the certificate was renewed, until ${end}`);
    },
    summary(channels) {
      const sum = (pick: (live: LiveChannel) => number) =>
        channels.reduce((all, live) => all + pick(live), 0);
      const totals = {
        passed: sum(({ counts }) => counts.passed),
        kept: sum(({ counts }) => counts.kept),
        delivered: sum(({ counts }) => counts.delivered),
        failed: sum(({ counts }) => counts.failed),
        expired: sum(({ counts }) => counts.expired),
        refused: sum(({ counts }) => counts.unattended + counts.full + counts.lost + counts.late),
        waiting: sum(({ backlog }) => backlog.count),
      };
      if (json) return context.printJson({ type: 'summary', ...totals });
      if (quiet) return;
      context.print(
        `\n${strong(`${totals.passed} passed through`)}, ${totals.kept} kept, ${totals.delivered} of those delivered, ${totals.refused} answered with an error, ${totals.waiting} still waiting`,
      );
    },
  };
}

function waiting(count: number): string {
  return count === 0 ? '' : `, ${count} waiting`;
}

function toJson(event: Exclude<RelayEvent, { kind: 'store' | 'unbelieved' }>): Record<string, unknown> {
  switch (event.kind) {
    case 'attached':
    case 'detached':
    case 'refused': {
      const { kind, ...about } = event;
      return { type: 'listener', state: kind, ...about };
    }
    case 'fault':
      return { type: 'fault', kind: event.fault.kind, detail: event.fault.detail };
    default: {
      const { kind, ...about } = event;
      return { type: kind, ...about };
    }
  }
}

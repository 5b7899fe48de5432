import { MetricFamilies, type Sample } from '../report/metric-families.ts';
import type { ChannelCounts } from './channel-counts.ts';
import type { LiveChannel } from './live-channel.ts';
import type { Memory } from './memory.ts';

/** What became of deliveries, as values of one label. */
const RESULTS = ['passed', 'kept', 'unattended', 'full', 'lost', 'late'] as const;
const KEPT_RESULTS = ['delivered', 'retried', 'failed', 'expired'] as const;

/** OpenMetrics 1.0 text of a relay. Channels go by their names; what would let somebody publish is not in it. */
export function renderRelayMetrics(channels: readonly LiveChannel[], memory: Memory): string {
  const families = new MetricFamilies();
  const each = (pick: (channel: LiveChannel) => number, suffix = ''): Sample[] =>
    channels.map((live) => [suffix, { channel: live.channel.name }, pick(live)]);
  const counted = (names: readonly (keyof ChannelCounts)[]): Sample[] =>
    channels.flatMap(({ channel, counts }) =>
      names.map((result): Sample => ['_total', { channel: channel.name, result }, counts[result]]),
    );
  families.add(
    'mo_notify_relay_deliveries',
    'counter',
    'Deliveries, by how the platform was answered.',
    counted(RESULTS),
  );
  families.add(
    'mo_notify_relay_kept_deliveries',
    'counter',
    'What became of those that were kept.',
    counted(KEPT_RESULTS),
  );
  families.add(
    'mo_notify_relay_attachments',
    'counter',
    'Listeners that were let in.',
    each(({ counts }) => counts.attached, '_total'),
  );
  families.add(
    'mo_notify_relay_listeners',
    'gauge',
    'Listeners that take deliveries.',
    each(({ listeners }) => listeners.filter(({ open }) => open).length),
  );
  families.add(
    'mo_notify_relay_waiting',
    'gauge',
    'Deliveries that are kept for a listener.',
    each(({ backlog }) => backlog.count),
  );
  families.add(
    'mo_notify_relay_waiting_bytes',
    'gauge',
    'The same in bytes.',
    each(({ backlog }) => backlog.bytes),
  );
  families.add(
    'mo_notify_relay_under_way_bytes',
    'gauge',
    'Bytes of deliveries that wait for an answer.',
    each(({ underWay }) => underWay),
  );
  families.add('mo_notify_relay_memory_bytes', 'gauge', 'Bytes of deliveries of all channels in memory.', [
    ['', {}, memory.held],
  ]);
  families.add('mo_notify_relay_memory_limit_bytes', 'gauge', 'As many as there may be.', [
    ['', {}, memory.max],
  ]);
  return `${families.text()}\n`;
}

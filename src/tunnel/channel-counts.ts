/** What became of a channel's deliveries since the relay started. */
export interface ChannelCounts {
  /** Handed on, and answered by the listener. */
  passed: number;
  /** Committed and answered 200. */
  kept: number;
  /** Of those kept: taken with a 2xx. */
  delivered: number;
  /** Answered with something else, and put off. */
  retried: number;
  /** The same for the last time: given up. */
  failed: number;
  /** Given up, because no listener came in time. */
  expired: number;
  /** Refused: no listener. */
  unattended: number;
  /** Refused: too much waits. */
  full: number;
  /** The link was lost before an answer. */
  lost: number;
  /** No answer in time. */
  late: number;
  /** Listeners that were let in. */
  attached: number;
}

export function noCounts(): ChannelCounts {
  return {
    passed: 0,
    kept: 0,
    delivered: 0,
    retried: 0,
    failed: 0,
    expired: 0,
    unattended: 0,
    full: 0,
    lost: 0,
    late: 0,
    attached: 0,
  };
}

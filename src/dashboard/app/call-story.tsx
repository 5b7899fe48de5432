import { formatDuration } from '../../core/time.ts';
import type { CallDetail } from '../wire.ts';
import { Dialog } from './dialog.tsx';
import type { Model } from './model.ts';
import { changeState, undoStep } from './page-state.ts';
import { Clock, Outside, orDash, PhoneNumber } from './show.tsx';
import { useFetched } from './use-fetched.ts';

/** A call's timeline: its events in order of life, when each was received, and what does not fit. */
export function CallStory({ callKey, model }: { callKey: number; model: Model }) {
  // Read again whenever the call has changed.
  const seqs = model.calls.get(callKey)?.seqs.join();
  const { found: detail, problem } = useFetched<CallDetail>(`/api/calls/${callKey}`, () => seqs);
  const title =
    detail === null ? (
      'Call'
    ) : (
      <>
        Call <Outside text={detail.row.call_id} />
      </>
    );
  return (
    <Dialog title={title} onClose={() => undoStep({ call: null })}>
      {problem !== null && <p class="problem">{problem}</p>}
      {detail !== null && <Story detail={detail} />}
    </Dialog>
  );
}

function Story({ detail: { row, events, findings } }: { detail: CallDetail }) {
  let before: number | null = null;
  return (
    <>
      <dl class="facts">
        <dt>Status</dt>
        <dd class={(row.status ?? 'unknown').toLowerCase()}>
          <span class="state">{row.status ?? 'Unknown'}</span>
        </dd>
        <dt>Caller</dt>
        <dd>
          <PhoneNumber number={row.caller_number} />
        </dd>
        <dt>Receiver</dt>
        <dd>
          <PhoneNumber number={row.receiver_number} />
        </dd>
        <dt>Direction</dt>
        <dd>{orDash(row.direction)}</dd>
        <dt>Queue</dt>
        <dd>{orDash(row.queue)}</dd>
        <dt>Agent</dt>
        <dd>{orDash(row.agent_id)}</dd>
      </dl>
      <ol class="timeline">
        {events.map(({ event, event_id, timestamp_ms, received_ms, seq }) => {
          const gap = before === null || timestamp_ms === null ? null : timestamp_ms - before;
          before = timestamp_ms ?? before;
          return (
            <li key={seq}>
              <span class="when">
                <Clock ms={timestamp_ms} exact />
                <span class="dim">{gap === null ? '' : ` +${formatDuration(gap)}`}</span>
              </span>
              <b>
                <Outside text={event} />
              </b>
              <span class="dim">
                {timestamp_ms === null
                  ? 'no timestamp'
                  : `received ${formatDuration(Math.abs(received_ms - timestamp_ms))} ${received_ms < timestamp_ms ? 'before' : 'later'}`}
              </span>
              <button
                type="button"
                class="link"
                onClick={() =>
                  changeState({ view: 'deliveries', call: null, delivery: `receipt/${seq}` }, true)
                }
              >
                {event_id === null ? 'its delivery' : <Outside text={event_id} most={40} />}
              </button>
            </li>
          );
        })}
      </ol>
      {findings.length > 0 && (
        <ul class="findings">
          {findings.map(({ rule, severity, text }) => (
            <li key={rule + text} class={severity}>
              <span aria-hidden="true">{severity === 'warn' ? '⚠ ' : '· '}</span>
              <Outside text={text} />
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

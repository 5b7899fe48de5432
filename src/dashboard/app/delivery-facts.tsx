import { isSuccess } from '../../core/record.ts';
import { formatDuration } from '../../core/time.ts';
import type { DeliveryRow, Inspection } from '../wire.ts';
import { ResultOf } from './result.tsx';
import { Clock, Outside } from './show.tsx';

type Receipt = Extract<DeliveryRow, { kind: 'receipt' }>;

/** What is known of a delivery that was received. */
export function ReceiptFacts({ found, row }: { found: Inspection; row: Receipt }) {
  const { signature, secret, duplicate, forward, flags, body_sha256: sha256 } = row;
  return (
    <dl class="facts">
      <dt>Signature</dt>
      <dd>
        <b class={signature === 'valid' ? 'good' : signature === 'unchecked' ? 'wait' : 'bad'}>{signature}</b>
        {secret !== null && (
          <>
            {' by '}
            <Outside text={secret} most={80} />
          </>
        )}
        {found.explanation !== null && (
          <p>
            <Outside text={found.explanation} most={500} />
          </p>
        )}
      </dd>
      {duplicate !== null && (
        <>
          <dt>Seen before</dt>
          <dd>
            <b class="wait">{duplicate.replace('_', ' ')}</b> {DUPLICATES[duplicate]}
          </dd>
        </>
      )}
      <dt>Answered</dt>
      <dd>
        <ResultOf row={row} />
      </dd>
      <dt>App</dt>
      <dd>
        {forward === null ? (
          <span class="dim">not handed on</span>
        ) : (
          <>
            <b class={isSuccess(forward.status) ? 'good' : 'bad'}>{forward.status ?? 'no answer'}</b> in{' '}
            {formatDuration(forward.duration_ms)}
            {forward.error !== null && (
              <p>
                <Outside text={forward.error} most={500} />
              </p>
            )}
            <AppAnswer text={found.answer ?? ''} />
          </>
        )}
      </dd>
      <dt>Received</dt>
      <dd>
        <Clock ms={Date.parse(row.received_at)} exact />
        {row.attempt !== null && `, attempt ${row.attempt}`}, {row.body_bytes} bytes
      </dd>
      <dt>Latency</dt>
      <dd>
        {row.latency_ms === null ? '–' : `${formatDuration(row.latency_ms)} since its timestamp`}
        {row.transit_ms !== null && `, ${formatDuration(row.transit_ms)} on the way`}
        {row.shown_at !== undefined &&
          `, on a page ${formatDuration(Date.parse(row.shown_at) - Date.parse(row.received_at))} after it came`}
      </dd>
      {sha256 !== undefined && (
        <>
          <dt>Body SHA-256</dt>
          <dd>{sha256}</dd>
        </>
      )}
      {flags.length > 0 && (
        <>
          <dt>Flags</dt>
          <dd>
            <Outside text={flags.join(', ')} most={1000} />
          </dd>
        </>
      )}
      <Ids row={row} />
    </dl>
  );
}

/** The beginning of what the app said. */
export function AppAnswer({ text }: { text: string }) {
  if (text === '') return null;
  return (
    <pre class="answer">
      <Outside text={text} most={2048} />
    </pre>
  );
}

const DUPLICATES = {
  duplicate: '(the same event and body; not handed on again)',
  conflict: '(a known event id with another body)',
  suspected_replay: '(known signed bytes under a new event id)',
};

/** What is known of an attempt. */
export function AttemptFacts({ row }: { row: Extract<DeliveryRow, { kind: 'attempt' }> }) {
  return (
    <dl class="facts">
      <dt>Outcome</dt>
      <dd>
        <ResultOf row={row} />
        {row.error !== null && (
          <p>
            <Outside text={row.error} most={500} />
          </p>
        )}
      </dd>
      <dt>Sent</dt>
      <dd>
        <Clock ms={Date.parse(row.sent_at)} exact /> to <Outside text={row.url} most={300} />, in{' '}
        {formatDuration(row.duration_ms)}
        {row.final ? '' : '; tried again after it'}
      </dd>
      <dt>Run</dt>
      <dd>
        <Outside text={row.run} most={60} />
        {row.replay_of !== null && (
          <>
            , a replay of <Outside text={row.replay_of} most={60} />
          </>
        )}
      </dd>
      <Ids row={row} />
    </dl>
  );
}

function Ids({ row }: { row: DeliveryRow }) {
  return (
    <>
      <dt>Event id</dt>
      <dd>{row.event_id === null ? '–' : <Outside text={row.event_id} most={300} />}</dd>
      <dt>Call</dt>
      <dd>{row.call_id === null ? '–' : <Outside text={row.call_id} most={300} />}</dd>
    </>
  );
}

import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { formatDuration } from '../../core/time.ts';
import type { DeliveryRow, Inspection, Resent } from '../wire.ts';
import { api, apiText, describeError } from './api.ts';
import { BodyView } from './body-view.tsx';
import { type Model, recordKey } from './model.ts';
import { changeState } from './page-state.ts';
import { ResultOf } from './result.tsx';
import { Clock, Copy, Outside } from './show.tsx';

/** Everything that is known of one delivery. `place` is its kind and seq. */
export function Inspector({ place, model }: { place: string; model: Model }) {
  const [found, setFound] = useState<Inspection | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const element = useRef<HTMLElement>(null);
  useEffect(() => {
    // Opened from what has gone since, such as a dialog, or the list on a narrow page: the focus would be nowhere.
    const { activeElement } = document;
    if (activeElement === document.body || activeElement?.checkVisibility() === false)
      element.current?.focus();
  }, []);
  const live = model.records.find((row) => recordKey(row) === place);
  const eventId = found?.row.event_id ?? null;
  // Read again once its answer is known, or another record of the same event has come.
  const related = eventId === null ? 0 : model.records.filter(({ event_id }) => event_id === eventId).length;
  const change = `${live?.status ?? ''} ${live?.kind === 'receipt' && live.forward !== null} ${related}`;
  useEffect(() => {
    let wanted = true;
    api<Inspection>(`/api/deliveries/${encodeURI(place)}`).then(
      (inspection) => {
        if (!wanted) return;
        setFound(inspection);
        setProblem(null);
      },
      (error) => wanted && setProblem(describeError(error)),
    );
    return () => {
      wanted = false;
    };
  }, [place, change]);
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be reached by keyboard
    <aside ref={element} class="inspector" aria-label="Inspector" tabIndex={0}>
      <header>
        <h2>{found === null ? 'Delivery' : <Outside text={found.row.event ?? '(no event)'} most={60} />}</h2>
        <button type="button" class="button" onClick={() => changeState({ delivery: null })}>
          Close
        </button>
      </header>
      {problem !== null && <p class="problem">{problem}</p>}
      {found !== null && <Inspected found={found} place={place} app={model.about?.app ?? null} />}
    </aside>
  );
}

function Inspected({ found, place, app }: { found: Inspection; place: string; app: string | null }) {
  const { row, headers, body_base64: body, related } = found;
  return (
    <>
      <Actions row={row} place={place} app={app} sendable={headers !== null && body !== null} />
      {row.kind === 'receipt' ? <ReceiptFacts found={found} row={row} /> : <AttemptFacts row={row} />}
      <Part title={`Records of this event (${related.length}${found.related_cut ? ', perhaps more' : ''})`}>
        <ol class="timeline">
          {related.map((one) => (
            <li key={recordKey(one)} aria-current={recordKey(one) === place}>
              <span class="when">
                <Clock ms={Date.parse(one.kind === 'attempt' ? one.sent_at : one.received_at)} exact />
              </span>
              <span>
                {one.kind === 'attempt' ? 'sent to ' : 'received '}
                {one.kind === 'attempt' && <Outside text={one.endpoint} most={60} />}
              </span>
              <ResultOf row={one} />
              {recordKey(one) !== place && (
                <button type="button" class="link" onClick={() => changeState({ delivery: recordKey(one) })}>
                  inspect
                </button>
              )}
            </li>
          ))}
        </ol>
      </Part>
      <Part title="Body">
        {body === null ? (
          <p class="dim">It is not on record.</p>
        ) : (
          <BodyView base64={body} numbers={[row.caller_number, row.receiver_number]} />
        )}
      </Part>
      {headers !== null && headers.length > 0 && (
        <Part title="Headers">
          <table class="headers">
            <tbody>
              {headers.map(([name, value], i) => (
                // A header may come twice.
                <tr key={i}>
                  <th scope="row">
                    <Outside text={name} most={100} />
                  </th>
                  <td>
                    <Outside text={value} most={2000} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </Part>
      )}
    </>
  );
}

interface ActionsProps {
  row: DeliveryRow;
  place: string;
  app: string | null;
  sendable: boolean;
}

function Actions({ row, place, app, sendable }: ActionsProps) {
  const [said, setSaid] = useState<ComponentChildren>('');
  const [sending, setSending] = useState(false);
  const resend = async () => {
    setSending(true);
    setSaid('');
    try {
      const { status, duration_ms, error, answer } = await api<Resent>(`/api/deliveries/${place}/resend`, {
        method: 'POST',
      });
      setSaid(
        <>
          Sent to <Outside text={app ?? ''} />: <b>{status ?? 'no answer'}</b> in{' '}
          {formatDuration(duration_ms)}
          {status === null && error !== null && (
            <>
              {' '}
              (<Outside text={error} />)
            </>
          )}
          <AppAnswer text={answer} />
        </>,
      );
    } catch (error) {
      setSaid(describeError(error));
    } finally {
      setSending(false);
    }
  };
  return (
    <div class="actions">
      {row.kind === 'receipt' && (
        <button
          type="button"
          class="button main"
          disabled={app === null || !sendable || sending}
          onClick={() => void resend()}
        >
          {sending ? 'Sending…' : 'Resend'}
        </button>
      )}
      {row.kind === 'receipt' && sendable && (
        <Copy label="Copy as cURL" text={() => apiText(`/api/deliveries/${place}/curl`)} />
      )}
      {row.event_id !== null && <Copy label="Copy event id" text={row.event_id} />}
      {row.kind === 'receipt' && app === null && (
        <p class="dim">There is no app to resend to: mo-notify listen 3000, or mo-notify dashboard 3000.</p>
      )}
      <div role="status" class="said">
        {said}
      </div>
    </div>
  );
}

type Receipt = Extract<DeliveryRow, { kind: 'receipt' }>;

function ReceiptFacts({ found, row }: { found: Inspection; row: Receipt }) {
  const { signature, secret, duplicate, forward, flags } = row;
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
            <b class={forward.status !== null && forward.status < 300 ? 'good' : 'bad'}>
              {forward.status ?? 'no answer'}
            </b>{' '}
            in {formatDuration(forward.duration_ms)}
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
function AppAnswer({ text }: { text: string }) {
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

function AttemptFacts({ row }: { row: Extract<DeliveryRow, { kind: 'attempt' }> }) {
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

function Part({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <section class="part">
      <h3>{title}</h3>
      {children}
    </section>
  );
}

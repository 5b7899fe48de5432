import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { formatDuration } from '../../core/time.ts';
import type { DeliveryRow, Inspection, Resent } from '../wire.ts';
import { api, apiText, describeError } from './api.ts';
import { BodyView } from './body-view.tsx';
import { AppAnswer, AttemptFacts, ReceiptFacts } from './delivery-facts.tsx';
import { type Model, recordKey } from './model.ts';
import { changeState } from './page-state.ts';
import { ResultOf } from './result.tsx';
import { Clock, Copy, Outside } from './show.tsx';
import { useFetched } from './use-fetched.ts';

/** Everything that is known of one delivery. `place` is its kind and seq. */
export function Inspector({ place, model }: { place: string; model: Model }) {
  const element = useRef<HTMLElement>(null);
  useEffect(() => {
    // Opened from what has gone since, such as a dialog, or the list on a narrow page: the focus would be nowhere.
    const { activeElement } = document;
    if (activeElement === document.body || activeElement?.checkVisibility() === false)
      element.current?.focus();
  }, []);
  const live = model.records.find((row) => recordKey(row) === place);
  const { found, problem } = useFetched<Inspection>(`/api/deliveries/${encodeURI(place)}`, (known) => {
    // Its answer, and how many other records of the same event have come.
    const eventId = live?.event_id ?? known?.row.event_id ?? null;
    const related =
      eventId === null ? 0 : model.records.filter(({ event_id }) => event_id === eventId).length;
    return `${live?.status ?? ''} ${live?.kind === 'receipt' && live.forward !== null} ${related}`;
  });
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
  const { row, headers, body_base64: body, body_cut: cut, related } = found;
  return (
    <>
      <Actions row={row} place={place} app={app} sendable={headers !== null && body !== null && !cut} />
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
        {cut && <p class="dim">It is cut: only its beginning is on record.</p>}
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

function Part({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <section class="part">
      <h3>{title}</h3>
      {children}
    </section>
  );
}

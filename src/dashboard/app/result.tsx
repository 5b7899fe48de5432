import { resultsOf } from '../delivery-filter.ts';
import type { DeliveryRow } from '../wire.ts';
import { Outside } from './show.tsx';

/** The answer, and in words what is not as usual. */
export function ResultOf({ row }: { row: DeliveryRow }) {
  const said = resultsOf(row);
  const tone = said.includes('failed') || said.includes('refused') ? 'bad' : 'good';
  const notes = said.filter((result) => result !== 'delivered' && result !== 'failed').map(words);
  if (row.kind === 'attempt') {
    if (row.outcome !== 'delivered') notes.push(row.outcome);
    if (row.attempt > 1) notes.push(`attempt ${row.attempt}`);
    if (row.replay_of !== null) notes.push('replay');
  } else {
    if (row.forward !== null && row.forward.status !== row.status)
      notes.push(`app ${row.forward.status ?? 'unreachable'}`);
    notes.push(...row.flags.slice(0, 2));
  }
  return (
    <span>
      <b class={row.status === null && tone === 'good' ? 'wait' : tone}>
        {row.status ?? (row.kind === 'receipt' ? 'waiting' : '–')}
      </b>{' '}
      {notes.length > 0 && <Outside text={notes.join(', ')} />}
    </span>
  );
}

export function words(result: string): string {
  return result.replace('_', ' ');
}

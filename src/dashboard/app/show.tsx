import { type ComponentChildren, createContext } from 'preact';
import { useContext, useEffect, useState } from 'preact/hooks';
import { maskNumbers, visible } from '../../core/redact.ts';
import { formatClock } from '../../core/time.ts';
import { ApiError } from './api.ts';
import { isWritten, maskWritten } from './written-number.ts';

/** Whether callers' numbers are shown in full. */
export const Revealed = createContext(false);

/** Text from outside: on one line, without what changes how it is read, its own writing direction ending with it. */
export function Outside({ text, most = 200 }: { text: string; most?: number }) {
  const revealed = useContext(Revealed);
  return <bdi>{visible(revealed ? text : maskNumbers(text), most)}</bdi>;
}

/** A caller's number, masked unless numbers are to be shown. */
export function PhoneNumber({ number }: { number: string | null }) {
  const revealed = useContext(Revealed);
  if (number === null) return <span class="none">–</span>;
  if (revealed || !isWritten(number)) return <Outside text={number} most={40} />;
  return <span class="number">{maskWritten(number)}</span>;
}

export function orDash(text: string | null): ComponentChildren {
  return text === null || text === '' ? <span class="none">–</span> : <Outside text={text} most={60} />;
}

/** `12:45:03` here, the whole of it on asking. */
export function Clock({ ms, exact = false }: { ms: number | null; exact?: boolean }) {
  if (ms === null) return <span class="none">–</span>;
  const date = new Date(ms);
  const today = date.toDateString() === new Date().toDateString();
  return (
    <time dateTime={date.toISOString()} title={date.toLocaleString()}>
      {today ? '' : `${dayAndMonth(date)} `}
      {formatClock(ms, exact ? 'ms' : 'seconds')}
    </time>
  );
}

/** `31.01.`. */
export function dayAndMonth(date: Date): string {
  return `${pad(date.getDate())}.${pad(date.getMonth() + 1)}.`;
}

/** `0:42`, `1:02:03`. */
export function formatCallTime(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return h > 0 ? `${h}:${pad(m)}:${pad(s)}` : `${m}:${pad(s)}`;
}

function pad(value: number): string {
  return String(value).padStart(2, '0');
}

/** A button that copies a text, and says beside it whether it did. `text` may be fetched. */
export function Copy({ label, text }: { label: string; text: string | (() => Promise<string>) }) {
  const [said, setSaid] = useState<'' | 'Copied'>('');
  const [problem, setProblem] = useState('');
  useEffect(() => {
    if (said === '') return;
    const timer = setTimeout(() => setSaid(''), 2000);
    return () => clearTimeout(timer);
  }, [said]);
  const copy = async () => {
    try {
      await writeClipboard(typeof text === 'string' ? text : await text());
      setSaid('Copied');
      setProblem('');
    } catch (error) {
      setProblem(
        error instanceof ApiError ? error.message : `${label}: the browser did not let it be copied.`,
      );
    }
  };
  return (
    <>
      <button type="button" class="button" onClick={() => void copy()}>
        {label}
        <span role="status" class="said">
          {said}
        </span>
      </button>
      {problem !== '' && (
        <p role="alert" class="problem">
          {problem}
        </p>
      )}
    </>
  );
}

/** Over plain HTTP from another machine there is no clipboard but the one of a selection. */
async function writeClipboard(text: string): Promise<void> {
  if (navigator.clipboard !== undefined) return navigator.clipboard.writeText(text);
  const field = document.createElement('textarea');
  field.value = text;
  const focused = document.activeElement as HTMLElement | null;
  document.body.append(field);
  field.select();
  const copied = document.execCommand('copy');
  field.remove();
  focused?.focus();
  if (!copied) throw new Error('It was not copied.');
}

/** The time, every second, while it is `ticking`; else when it last ticked. */
export function useNow(ticking: boolean): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    if (!ticking) return;
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, [ticking]);
  return now;
}

import { type ComponentChildren, createContext } from 'preact';
import { useContext, useEffect, useState } from 'preact/hooks';
import { maskNumber, maskNumbers, visible } from '../../core/redact.ts';

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
  if (revealed || !/^\+?\d{5,}$/.test(number)) return <Outside text={number} most={40} />;
  return <span class="number">{maskNumber(number)}</span>;
}

export function orDash(text: string | null): ComponentChildren {
  return text === null || text === '' ? <span class="none">–</span> : <Outside text={text} most={60} />;
}

/** `12:45:03` here, the whole of it on asking. */
export function Clock({ ms, exact = false }: { ms: number | null; exact?: boolean }) {
  if (ms === null) return <span class="none">–</span>;
  const date = new Date(ms);
  const pad = (value: number, width = 2) => String(value).padStart(width, '0');
  const time = `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`;
  const day =
    date.toDateString() === new Date().toDateString()
      ? ''
      : `${pad(date.getDate())}.${pad(date.getMonth() + 1)}. `;
  return (
    <time dateTime={date.toISOString()} title={date.toLocaleString()}>
      {day}
      {time}
      {exact ? `.${pad(date.getMilliseconds(), 3)}` : ''}
    </time>
  );
}

/** `0:42`, `1:02:03`. */
export function formatCallTime(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const pad = (value: number) => String(value).padStart(2, '0');
  return h > 0 ? `${h}:${pad(m)}:${pad(s)}` : `${m}:${pad(s)}`;
}

/** A button that copies a text, and says that it did. `text` may be fetched. */
export function Copy({ label, text }: { label: string; text: string | (() => Promise<string>) }) {
  const [said, setSaid] = useState('');
  useEffect(() => {
    if (said === '') return;
    const timer = setTimeout(() => setSaid(''), 2000);
    return () => clearTimeout(timer);
  }, [said]);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(typeof text === 'string' ? text : await text());
      setSaid('Copied');
    } catch (error) {
      setSaid(error instanceof Error && error.name === 'ApiError' ? error.message : 'Could not be copied');
    }
  };
  return (
    <button type="button" class="button" onClick={() => void copy()}>
      {label}
      <span role="status" class="said">
        {said}
      </span>
    </button>
  );
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

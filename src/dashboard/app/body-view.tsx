import { useContext, useMemo, useState } from 'preact/hooks';
import { visible } from '../../core/redact.ts';
import { decodeBase64, toHex, toJson, toText } from './body-text.ts';
import { Revealed } from './show.tsx';
import { maskAll } from './written-number.ts';

const FORMS = ['JSON', 'Text', 'Bytes'] as const;
type Form = (typeof FORMS)[number];
/** More than this is shown on asking: a page should not stand still for a megabyte. */
const MOST_CHARACTERS = 20_000;

interface BodyProps {
  base64: string;
  /** The numbers it is known to have. */
  numbers: readonly (string | null)[];
}

/** A body as JSON, as text and as bytes; numbers in it are masked like everywhere. */
export function BodyView({ base64, numbers }: BodyProps) {
  const revealed = useContext(Revealed);
  const bytes = useMemo(() => decodeBase64(base64), [base64]);
  const text = useMemo(() => toText(bytes), [bytes]);
  const pretty = useMemo(() => (text === null ? null : toJson(text)), [text]);
  const [wanted, setWanted] = useState<Form>('JSON');
  const [whole, setWhole] = useState(false);
  const possible: Record<Form, boolean> = { JSON: pretty !== null, Text: text !== null, Bytes: true };
  const form = possible[wanted] ? wanted : (FORMS.find((name) => possible[name]) as Form);
  const all = useMemo(() => {
    const mask = (whole: string) => (revealed ? whole : maskAll(whole, numbers));
    return form === 'Bytes' ? hexOf(bytes, mask) : mask((form === 'JSON' ? pretty : text) as string);
  }, [form, bytes, revealed]);
  const cut = !whole && all.length > MOST_CHARACTERS;
  const shown = useMemo(() => lines(cut ? all.slice(0, MOST_CHARACTERS) : all), [all, cut]);
  return (
    <>
      <fieldset class="forms">
        <legend class="hidden">Show the body as</legend>
        {FORMS.map((name) => (
          <button
            type="button"
            class="button"
            key={name}
            aria-pressed={form === name}
            disabled={!possible[name]}
            onClick={() => setWanted(name)}
          >
            {name}
          </button>
        ))}
      </fieldset>
      {text === null && <p class="dim">It is not UTF-8.</p>}
      {text !== null && pretty === null && <p class="dim">It is not JSON.</p>}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls can be reached by keyboard */}
      <section class="body" tabIndex={0} aria-label={`Body as ${form}`}>
        <pre class={form.toLowerCase()}>
          <bdi>{shown}</bdi>
        </pre>
      </section>
      {cut && (
        <button type="button" class="button" onClick={() => setWhole(true)}>
          Show all of its {all.length.toLocaleString()} characters
        </button>
      )}
    </>
  );
}

/** Its own line breaks are kept, whatever else would change how it is read is not. */
function lines(text: string): string {
  return text
    .split('\n')
    .map((line) => visible(line, Number.POSITIVE_INFINITY))
    .join('\n');
}

/** Masked numbers have asterisks for bytes, too. */
function hexOf(bytes: Uint8Array, mask: (text: string) => string): string {
  const latin1 = Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
  return toHex(Uint8Array.from(mask(latin1), (char) => char.charCodeAt(0)));
}

import { maskNumbers, visible } from '../core/redact.ts';

/** HTML that is meant to be HTML. Nothing else gets into a page unescaped. */
export class Markup {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

type Part = Markup | string | number | readonly Part[];

/** A template whose values are text: escaped, in elements and in quoted attributes alike, unless they are Markup. */
export function html(strings: TemplateStringsArray, ...parts: Part[]): Markup {
  return new Markup(strings.reduce((all, string, i) => all + write(parts[i - 1] ?? '') + string));
}

/** Text from outside, where only text can stand (attributes, SVG titles): one line, callers' numbers masked. */
export function outsideText(text: string, maxLength = 200): string {
  // Masked before it is cut: half a number is not recognised as one.
  return visible(maskNumbers(text), maxLength);
}

/** Text from outside as an element; its own writing direction ends with it. */
export function outside(text: string, maxLength?: number): Markup {
  return html`<bdi>${outsideText(text, maxLength)}</bdi>`;
}

function write(part: Part): string {
  if (part instanceof Markup) return part.text;
  if (typeof part === 'number') return part.toLocaleString('en-US');
  if (typeof part === 'string') return escapeText(part);
  return part.map(write).join('');
}

function escapeText(text: string): string {
  return visible(text, 5000)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

import { distance } from 'fastest-levenshtein';

/** The name most like what was typed, or null when none is close enough to be meant. */
export function nearest(typed: string, names: readonly string[]): string | null {
  const begun = typed.length < 3 ? [] : names.filter((name) => name.startsWith(typed));
  if (begun.length === 1) return begun[0] as string;
  let best: string | null = null;
  let least = Math.max(2, Math.floor(typed.length / 3)) + 1;
  for (const name of names) {
    const far = distance(typed, name);
    if (far < least) {
      least = far;
      best = name;
    }
  }
  return best;
}

// Medians, spreads and ratios. Both sides of a ratio come from the same round, because the machine's speed drifts.

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** `0.81 (0.78–0.85)`: median, least and greatest. */
export function spread(values, digits = 2) {
  return `${median(values).toFixed(digits)} (${Math.min(...values).toFixed(digits)}–${Math.max(...values).toFixed(digits)})`;
}

/** The ratios a/b, round by round. */
export function ratios(a, b) {
  return a.map((value, i) => value / b[i]);
}

/** One line: what was wanted, what was measured, whether it holds. `wanted` is null where nothing is. */
export function verdict(name, values, wanted, holds, digits = 2) {
  const met = wanted === null ? '' : holds(median(values)) ? 'ok  ' : 'MISS';
  console.log(
    `${(met || '    ').padEnd(5)} ${name.padEnd(58)} ${spread(values, digits)}${wanted === null ? '' : `   wanted ${wanted}`}`,
  );
  return wanted === null || met === 'ok  ';
}

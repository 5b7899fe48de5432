// Tries regular expressions with long texts, in a process that can be ended: one that is super-linear may not come back.

/** Fifty times what a linear one takes, in time of this process alone, whatever else the machine does. */
const MOST_MS = 200;

process.on('message', ({ source, flags, runs }) => {
  const regexp = new RegExp(source, flags);
  for (const { before, unit, times, after } of runs) {
    const text = before + unit.repeat(times) + after;
    const began = process.cpuUsage();
    // As it is used: once, or for each match.
    if (regexp.global) text.replace(regexp, '');
    else regexp.exec(text);
    const { user, system } = process.cpuUsage(began);
    if ((user + system) / 1000 > MOST_MS) return process.send({ slow: { before, unit, times, after } });
  }
  process.send({ slow: null });
});

// Report: a store of a million attempts against the `sqlite3` shell's one `group by` over the same table, and an export of
// a million lines, judged and looked through for a replay, against `jq` counting by endpoint and status. In turn, round by
// round. For the store both sides have two cores (report reads ahead in a second thread; its processor time is printed
// too); for the file both have one. ROWS makes it another size.
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeExport, writeStore } from './attempts.js';
import { ratios, spread, verdict } from './figures.js';
import { start, usage } from './pinned.js';

const ROUNDS = Number(process.env.ROUNDS ?? 5);
const ROWS = Number(process.env.ROWS ?? 1_000_000);
const bin = join(import.meta.dirname, '../bin/mo-notify.js');
const GROUPED =
  'SELECT endpoint, status, count(*), avg(duration_ms), max(duration_ms) FROM attempts GROUP BY endpoint, status';
const COUNTED = 'reduce inputs as $r ({}; .[$r.endpoint + " " + ($r.status | tostring)] += 1)';

export async function report() {
  console.log(`\nReport: ${ROWS} attempts, ${ROUNDS} rounds`);
  const folder = mkdtempSync(join(tmpdir(), 'mo-notify-bench-'));
  try {
    return [await ofStore(folder), await ofFile(folder)].every(Boolean);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function ofStore(folder) {
  const path = join(folder, 'store.db');
  writeStore(path, ROWS);
  const mine = [process.execPath, bin, 'report', '--json', '--store', `sqlite:${path}`];
  if (!isThere('sqlite3')) return alone('report on a store', '0,1', mine, folder);
  const sides = await inTurn('0,1', folder, { mine, sqlite3: ['sqlite3', path, GROUPED] });
  console.log(`      sqlite3 shell         ${spread(sides.sqlite3.seconds)} s`);
  console.log(
    `      report on a store     ${spread(sides.mine.seconds)} s, ${spread(sides.mine.cpu)} s of processor time`,
  );
  return [
    verdict(
      'report on a store / sqlite3 shell',
      ratios(sides.mine.seconds, sides.sqlite3.seconds),
      '≤ 1.5',
      (r) => r <= 1.5,
    ),
    memoryVerdict('report on a store', sides.mine.peak),
  ].every(Boolean);
}

async function ofFile(folder) {
  const path = join(folder, 'attempts.ndjson');
  const bytes = await writeExport(path, ROWS);
  console.log(`      an export of ${bytes.toFixed(0)} bytes a line`);
  const store = ['--store', `sqlite:${join(folder, 'empty.db')}`];
  const commands = {
    report: [process.execPath, bin, 'report', path, '--json', ...store],
    'replay --dry-run': [
      process.execPath,
      bin,
      'replay',
      path,
      '--to',
      '3000',
      '--dry-run',
      '--json',
      ...store,
    ],
  };
  const names = Object.keys(commands);
  if (!isThere('jq')) {
    for (const name of names) await alone(`${name} on a file`, '1', commands[name], folder);
    return true;
  }
  const sides = await inTurn('1', folder, { ...commands, jq: ['jq', '-n', '-c', COUNTED, path] });
  console.log(`      jq                    ${spread(sides.jq.seconds)} s`);
  return names
    .flatMap((name) => {
      console.log(`      ${name.padEnd(21)} ${spread(sides[name].seconds)} s`);
      return [
        verdict(
          `jq / ${name} on a file`,
          ratios(sides.jq.seconds, sides[name].seconds),
          '≥ 5',
          (r) => r >= 5,
        ),
        memoryVerdict(`${name} on a file`, sides[name].peak),
      ];
    })
    .every(Boolean);
}

function memoryVerdict(name, peaks) {
  return verdict(`${name}: peak resident memory, MB`, peaks, '< 200', (mb) => mb < 200, 0);
}

async function alone(name, cores, command, folder) {
  console.log(`      ${name}: nothing here to compare with`);
  const { seconds, peak } = (await inTurn(cores, folder, { command })).command;
  console.log(`      ${name.padEnd(21)} ${spread(seconds)} s, ${spread(peak, 0)} MB`);
  return true;
}

async function inTurn(cores, folder, commands) {
  const sides = Object.fromEntries(
    Object.keys(commands).map((name) => [name, { seconds: [], cpu: [], peak: [] }]),
  );
  for (let round = -1; round < ROUNDS; round++) {
    for (const [name, command] of Object.entries(commands)) {
      const one = await measure(cores, command, folder);
      if (round >= 0) for (const key of Object.keys(one)) sides[name][key].push(one[key]);
    }
  }
  return sides;
}

/** Seconds from start to end, seconds of processor time, and megabytes at the peak; a figure is looked at until the end. */
async function measure(cores, command, cwd) {
  const began = performance.now();
  const child = start(cores, command, { cwd, stdio: ['ignore', 'ignore', 'ignore'] });
  let last = { cpu: 0, peak: 0 };
  const timer = setInterval(() => {
    const now = usage(child.pid);
    if (now !== null && now.peak > 0) last = now;
  }, 10);
  const [code] = await once(child, 'exit');
  clearInterval(timer);
  const seconds = (performance.now() - began) / 1000;
  // A report that fails its KPIs and a dry run that finds no bodies end with 1; jq and sqlite3 end with 0.
  if (code !== 0 && code !== 1) throw new Error(`${command.join(' ')} ended with ${code}`);
  return { seconds, cpu: last.cpu, peak: last.peak * 1.048576 };
}

function isThere(program) {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

if (process.argv[1] === import.meta.filename) process.exitCode = (await report()) ? 0 : 1;

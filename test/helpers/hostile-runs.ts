import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { type AST, RegExpParser } from '@eslint-community/regexpp';
import { ROOT } from './spawn-cli.ts';

/** A text with a long run in it. */
export interface Run {
  before: string;
  unit: string;
  times: number;
  after: string;
}

interface Pattern {
  source: string;
  flags: string;
}

/** What is exponential shows at the first of these, what is cubic at the second: from longer ones neither comes back. */
const LENGTHS = [28, 3000, 40_000];
const COMMON = [
  ' ',
  '\t',
  '\n',
  '\r\n',
  '0',
  'a',
  'A',
  '"',
  "'",
  ',',
  ', ',
  'a=',
  'a:',
  '/',
  '<',
  '\\"',
  '.',
  '-',
  'é',
];
/** What a set or a class of signs may take. */
const SIGNS = [...'a1 "A,=.-/<_:\t\n\\()é\0'];
/** What ends a run, and most matches with it. */
const BREAKERS = ['\0', '\n!'];
const EXAMPLES = 3;
const LONGEST_EXAMPLE = 32;

/**
 * Long runs of what a regular expression may take again and again: of every sign of texts that it matches and of its own
 * source, alone and in pairs, in the place where it stands there; and each of them ends with what it does not take.
 */
export function hostileRuns({ source, flags }: Pattern): Run[] {
  const runs = new Map<string, Run>();
  const add = (before: string, unit: string) => {
    for (const after of BREAKERS)
      runs.set(JSON.stringify([before, unit, after]), { before, unit, times: 0, after });
  };
  const own = [...source];
  for (const unit of [...COMMON, ...own, ...own.map((sign, i) => sign + (own[i + 1] ?? ''))]) add('', unit);
  for (const example of examples({ source, flags })) {
    const signs = [...example].slice(0, LONGEST_EXAMPLE);
    for (const [i, sign] of signs.entries()) {
      add(signs.slice(0, i).join(''), sign);
      add(signs.slice(0, i).join(''), sign + (signs[i + 1] ?? ''));
      add(signs.slice(0, i).join(''), ' ');
    }
  }
  const all = [...runs.values()];
  return LENGTHS.flatMap((length) =>
    all.map((run) => ({ ...run, times: Math.ceil(length / run.unit.length) })),
  );
}

/** Texts that it matches, as far as its own signs go: of each choice another one each time. */
function examples({ source, flags }: Pattern): string[] {
  const { alternatives } = new RegExpParser().parsePattern(source, 0, source.length, {
    unicode: flags.includes('u'),
  });
  return Array.from({ length: EXAMPLES }, (_, nth) => oneOf(alternatives, flags, nth));
}

function oneOf(alternatives: readonly AST.Alternative[], flags: string, nth: number): string {
  const { elements } = alternatives[nth % alternatives.length] as AST.Alternative;
  return elements.map((element) => matched(element, flags, nth)).join('');
}

function matched(element: AST.Element, flags: string, nth: number): string {
  switch (element.type) {
    case 'Character':
      return String.fromCodePoint(element.value);
    case 'CharacterSet':
    case 'CharacterClass': {
      const own = new RegExp(`^${element.raw}$`, flags.replaceAll(/[gy]/g, ''));
      const fitting = SIGNS.filter((sign) => own.test(sign));
      return fitting[nth % Math.max(1, fitting.length)] ?? '';
    }
    case 'Group':
    case 'CapturingGroup':
      return oneOf(element.alternatives, flags, nth);
    case 'Quantifier':
      return matched(element.element, flags, nth).repeat(Math.min(3, Math.max(1, element.min)));
    default:
      return '';
  }
}

/** Far above what all runs of one take together, on any machine. */
const LOST_MS = 120_000;

/** Tries regular expressions one after the other in a process of its own. */
export class RegexpTrial {
  #child: ChildProcess = start();

  /** The run that it takes more than linear time for; null where there is none. */
  async slowest(pattern: Pattern): Promise<Run | 'never came back' | null> {
    const child = this.#child;
    child.send({ ...pattern, runs: hostileRuns(pattern) });
    const lost = new AbortController();
    const timer = setTimeout(() => lost.abort(), LOST_MS);
    try {
      const [{ slow }] = (await once(child, 'message', { signal: lost.signal })) as [{ slow: Run | null }];
      return slow;
    } catch {
      this.stop();
      this.#child = start();
      return 'never came back';
    } finally {
      clearTimeout(timer);
    }
  }

  stop(): void {
    this.#child.kill('SIGKILL');
  }
}

function start(): ChildProcess {
  return fork(join(ROOT, 'test/helpers/try-regexp.js'), { execArgv: [] });
}

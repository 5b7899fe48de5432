import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAst } from 'rolldown/parseAst';
import { ROOT } from './spawn-cli.ts';

export interface SourceRegexp {
  /** Where it stands: `src/core/time.ts:12`. */
  place: string;
  source: string;
  flags: string;
}

/** A regular expression that is put together while the program runs. */
export interface BuiltRegexp {
  place: string;
  /** The expression as the source has it: `new RegExp(…)`. */
  text: string;
}

type Node = { type: string; start: number; end: number } & Record<string, unknown>;

/** All regular expressions of src, as a parser finds them. */
export function sourceRegexps(): { literals: SourceRegexp[]; built: BuiltRegexp[] } {
  const found = { literals: [] as SourceRegexp[], built: [] as BuiltRegexp[] };
  for (const name of readdirSync(join(ROOT, 'src'), { recursive: true }) as string[]) {
    if (!/\.tsx?$/.test(name)) continue;
    const text = readFileSync(join(ROOT, 'src', name), 'utf8');
    const tree = parseAst(text, { lang: name.endsWith('x') ? 'tsx' : 'ts' });
    collect(tree as unknown as Node, text, `src/${name}`, found);
  }
  return found;
}

function collect(node: unknown, text: string, file: string, found: ReturnType<typeof sourceRegexps>): void {
  if (typeof node !== 'object' || node === null) return;
  if (Array.isArray(node)) {
    for (const child of node) collect(child, text, file, found);
    return;
  }
  const { type, start, end, regex, callee } = node as Node;
  const place = `${file}:${text.slice(0, start).split('\n').length}`;
  if (type === 'Literal' && regex !== undefined && regex !== null) {
    const { pattern, flags } = regex as { pattern: string; flags: string };
    found.literals.push({ place, source: pattern, flags });
  }
  const called = type === 'NewExpression' || type === 'CallExpression';
  if (called && (callee as { name?: string }).name === 'RegExp')
    found.built.push({ place, text: text.slice(start, end) });
  for (const child of Object.values(node)) collect(child, text, file, found);
}

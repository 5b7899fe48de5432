import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { expect, test } from 'vitest';

const src = join(import.meta.dirname, '../../src');

/** From the ground up (CONTRIBUTING.md): a folder imports only from floors below its own. */
const FLOORS = [
  ['core'],
  ['http', 'store', 'config', 'report', 'logs', 'check'],
  ['receiver', 'sender', 'dashboard', 'tunnel'],
  ['cli', 'index.ts'],
];
/** The packages that draw on a terminal, each with the one file that knows it. */
const TERMINAL_PACKAGES = { chalk: 'cli/style.ts', ora: 'cli/progress.ts' };

const floorOf = (folder: string) => FLOORS.findIndex((folders) => folders.includes(folder));

const files = new Map(
  readdirSync(src, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.tsx?$/.test(name))
    .map((name) => [name, readFileSync(join(src, name), 'utf8')]),
);

/** Each file's imports within src/, types included, also those that run later. */
const imports = new Map(
  [...files].map(([name, text]): [string, string[]] => {
    const found = text.matchAll(/(?:\bfrom|\bimport\()\s*'(\.[^']+\.tsx?)'/g);
    return [name, [...found].map(([, to]) => relative(src, join(src, dirname(name), to as string)))];
  }),
);
const folderOf = (file: string) => file.split('/')[0] as string;

test('every folder has a floor', () => {
  expect([...new Set([...imports.keys()].map(folderOf))].filter((folder) => floorOf(folder) < 0)).toEqual([]);
});

test('imports lead to the same folder or to a floor below', () => {
  const upward = [...imports].flatMap(([file, targets]) =>
    targets
      .filter((to) => folderOf(to) !== folderOf(file) && floorOf(folderOf(to)) >= floorOf(folderOf(file)))
      .map((to) => `${file} -> ${to}`),
  );
  expect(upward).toEqual([]);
});

test('no file leads back to itself', () => {
  const done = new Set<string>();
  const circles: string[] = [];
  const visit = (file: string, path: string[]) => {
    if (path.includes(file)) circles.push([...path.slice(path.indexOf(file)), file].join(' -> '));
    if (done.has(file)) return;
    done.add(file);
    for (const to of imports.get(file) ?? []) visit(to, [...path, file]);
  };
  for (const file of imports.keys()) visit(file, []);
  expect(circles).toEqual([]);
});

test.each(Object.entries(TERMINAL_PACKAGES))(
  '%s is imported by %s alone, and only when it is needed',
  (name, file) => {
    const importing = (pattern: RegExp) =>
      [...files].filter(([, text]) => pattern.test(text)).map(([one]) => one);
    expect(importing(new RegExp(`(?:\\bfrom|\\bimport\\(?)\\s*'${name}'`))).toEqual([file]);
    expect(importing(new RegExp(`^import (?!type).*'${name}'`, 'm'))).toEqual([]);
  },
);

test('no file writes an escape sequence, or has Node paint: chalk and ora do', () => {
  const byHand =
    /\\(?:u001b|u\{0*1b\}|x1b|033|e\[)|\b(?:fromCharCode|fromCodePoint)\((?:27|0x1b)\b|\bstyleText\b/i;
  const writing = ([, text]: [string, string]) => text.includes('\u001b') || byHand.test(text);
  expect([...files].filter(writing).map(([name]) => name)).toEqual([]);
});

test('the cursor is moved in one place, to clear the screen', () => {
  const moving = /\.(?:cursorTo|moveCursor|clearLine|clearScreenDown)\b|from 'node:readline'/;
  expect([...files].filter(([, text]) => moving.test(text)).map(([name]) => name)).toEqual([
    'cli/clear-screen.ts',
  ]);
});

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
const floorOf = (folder: string) => FLOORS.findIndex((folders) => folders.includes(folder));

/** Each file's imports within src/, types included, also those that run later. */
const imports = new Map(
  readdirSync(src, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.tsx?$/.test(name))
    .map((name): [string, string[]] => {
      const text = readFileSync(join(src, name), 'utf8');
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

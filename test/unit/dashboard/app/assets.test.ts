import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';

const folder = join(import.meta.dirname, '../../../../dist/dashboard');
const files = readdirSync(folder).map((name) => ({ name, bytes: readFileSync(join(folder, name)) }));

test('the page is four files', () => {
  expect(files.map(({ name }) => name).sort()).toEqual(['app.css', 'app.js', 'icon.svg', 'index.html']);
});

test('it is small: at most 120 KB in all, compressed', () => {
  const sizes = files.map(({ bytes }) => gzipSync(bytes).length);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(120 * 1024);
});

test('it asks for nothing from elsewhere: no address but the names of XML', () => {
  const addresses = files.flatMap(({ name, bytes }) =>
    [...bytes.toString('utf8').matchAll(/(?:https?:)?\/\/[a-z][\w-]*(?:\.[\w-]+)+[^\s"'`)<>]*/gi)].map(
      ([url]) => `${name}: ${url}`,
    ),
  );
  expect(addresses.filter((url) => !/^\S+: http:\/\/www\.w3\.org\//.test(url))).toEqual([]);
});

test('it does what its policy forbids nowhere: no eval, no HTML out of text', () => {
  const script = files.find(({ name }) => name === 'app.js')?.bytes.toString('utf8') ?? '';
  expect(script).not.toMatch(/\beval\(|new Function\(|document\.write|insertAdjacentHTML|outerHTML/);
  const html = files.find(({ name }) => name === 'index.html')?.bytes.toString('utf8') ?? '';
  expect(html).not.toMatch(/<script>|<style|\son\w+=|style=/);
});

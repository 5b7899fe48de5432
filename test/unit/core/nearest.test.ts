import { expect, test } from 'vitest';
import { nearest } from '../../../src/core/nearest.ts';

const NAMES = ['answered', 'missed', 'transferred', 'outbound'];

test.each([
  ['answerd', 'answered'],
  ['misssed', 'missed'],
  ['transfered', 'transferred'],
  ['outbond', 'outbound'],
  ['missed', 'missed'],
])('%s is meant as %s', (typed, name) => {
  expect(nearest(typed, NAMES)).toBe(name);
});

test.each(['', 'zzz', 'campaign', 'x'.repeat(5000)])('%.10s is like none of them', (typed) => {
  expect(nearest(typed, NAMES)).toBeNull();
});

test('the first of equally near names is taken', () => {
  expect(nearest('bat', ['cat', 'hat'])).toBe('cat');
});

test('without names there is none', () => {
  expect(nearest('x', [])).toBeNull();
});

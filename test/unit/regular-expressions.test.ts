import { analyse } from 'scslre';
import { afterAll, describe, expect, test } from 'vitest';
import { RegexpTrial } from '../helpers/hostile-runs.ts';
import { type SourceRegexp, sourceRegexps } from '../helpers/source-regexps.ts';

// G1: no regular expression over outside text takes more than linear time. All of src's are tried, whatever they see: which
// text is outside is easily changed, and a linear one is always to be had.

/** What those that are put together while the program runs come to, for an example. */
const BUILT: Record<string, RegExp> = {
  "new RegExp(`^${name}=.*$`, 'm')": /^MO_SECRET=.*$/m,
  // Digits, and `\d` for each that is not shown.
  "new RegExp(digits.replaceAll('*', '\\\\d'))": /91\d\d\d\d\d\d3210/,
  'new RegExp(`^/api/deliveries/${RECORD}$`)': /^\/api\/deliveries\/(attempt|receipt)\/(\d{1,15})$/,
  'new RegExp(`^/api/deliveries/${RECORD}/curl$`)':
    /^\/api\/deliveries\/(attempt|receipt)\/(\d{1,15})\/curl$/,
  'new RegExp(`^/api/deliveries/${RECORD}/resend$`)':
    /^\/api\/deliveries\/(attempt|receipt)\/(\d{1,15})\/resend$/,
  "new RegExp(`.{1,${width}}`, 'gu')": /.{1,80}/gu,
};

const { literals, built } = sourceRegexps();
const all: SourceRegexp[] = [
  ...literals,
  ...built.flatMap(({ place, text }) => {
    const example = BUILT[text];
    return example === undefined ? [] : [{ place, source: example.source, flags: example.flags }];
  }),
];
/** Each once, with all its places. */
const unique = [...new Set(all.map(written))].map((text) => {
  const found = all.filter((one) => written(one) === text);
  return { written: text, places: found.map(({ place }) => place), ...(found[0] as SourceRegexp) };
});

function written({ source, flags }: { source: string; flags: string }): string {
  return `/${source}/${flags}`;
}

/** Longer than it takes to give up one that does not come back. */
const PATIENCE_MS = 200_000;

const trial = new RegexpTrial();
afterAll(() => trial.stop());

/** What a static analysis finds: two quantifiers that may take the same text, one behind or within the other, or a run from every start. */
function overlaps({ source, flags }: { source: string; flags: string }): string[] {
  return analyse(new RegExp(source, flags)).reports.map(
    ({ type, exponential, character }) =>
      `${exponential ? 'exponential' : 'quadratic'} for many ${JSON.stringify(character.pick)} (${type})`,
  );
}

test('every regular expression that is put together at run time has an example here', () => {
  expect(built.filter(({ text }) => BUILT[text] === undefined)).toEqual([]);
  expect(Object.keys(BUILT).filter((text) => !built.some((one) => one.text === text))).toEqual([]);
  expect(unique.length).toBeGreaterThan(100);
});

describe('what is super-linear is found', () => {
  test.each([
    ['from every start', /\s+$/],
    ['two in a row, behind something', /^Content-Type:\w*\d*;$/],
    ['quoted texts', /"(?:[^"\\]|\\.)*"/g],
    ['alternatives', /^(?:\w|\d)*$/],
  ])(
    'by long runs: %s, %s',
    async (_, { source, flags }) => {
      expect(await trial.slowest({ source, flags })).not.toBeNull();
    },
    PATIENCE_MS,
  );

  test.each([
    ['from every start', /\s+$/],
    ['two in a row', /^a*a*$/],
    ['one within another', /^(?:a+)+$/],
  ])('by analysis: %s, %s', (_, regexp) => {
    expect(overlaps(regexp)).not.toEqual([]);
  });
});

describe('G1 takes linear time', () => {
  test.each(unique)(
    '$written ($places)',
    async ({ source, flags }) => {
      expect(overlaps({ source, flags })).toEqual([]);
      expect(await trial.slowest({ source, flags })).toBeNull();
    },
    PATIENCE_MS,
  );
});

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  endpointName,
  isSamePlace,
  recordedName,
  recordedPlace,
  recordedUrl,
  wantedEndpoint,
} from '../../../src/core/endpoint-identity.ts';

const ONE = 'https://crm.example:8443/notify?key=hunter2';
const OTHER = 'https://crm.example:8443/notify?key=hunter3';

describe('an endpoint without a name', () => {
  test('is known by its host where its URL has no values', () => {
    expect(endpointName('http://127.0.0.1:3000/')).toBe('127.0.0.1:3000');
    expect(endpointName('https://crm.example/notify?key=&#top')).toBe('crm.example');
  });

  test('has a short hash in its name where values tell it from another, and no value', () => {
    const names = [ONE, OTHER, `${ONE}&a=1`, ONE.replace('notify', 'hook'), ONE.replace('key', 'k')].map(
      endpointName,
    );
    for (const name of names) expect(name).toMatch(/^crm\.example:8443#[0-9a-f]{5}$/);
    expect(new Set(names).size).toBe(names.length);
    expect(endpointName(`${ONE}#top`)).toBe(endpointName(ONE));
    expect(endpointName('https://crm.example:8443/notify?key=***')).toBe('crm.example:8443');
  });
});

test.each([
  ['https://crm.example/notify', 'https://crm.example/notify'],
  ['https://crm.example/notify?key=hunter2&b#c', 'https://crm.example/notify?key=***&***'],
  ['https://crm.example/notify?key=env:KEY', 'https://crm.example/notify?key=***'],
  ['https://user:hunter2@crm.example/', 'https://***@crm.example/'],
  ['/notify?key=hunter2', '/notify?key=***'],
  ['', ''],
])('recordedUrl(%s) is %s', (text, recorded) => {
  expect(recordedUrl(text)).toBe(recorded);
});

describe('where a record from elsewhere says that it went', () => {
  test.each([
    ['crm', ONE, 'crm'],
    [null, ONE, endpointName(ONE)],
    // As earlier versions of ours have it.
    ['crm.example:8443', ONE, endpointName(ONE)],
    ['crm.example:8443', 'https://crm.example:8443/', 'crm.example:8443'],
    [null, 'nonsense', 'imported'],
    [null, null, 'imported'],
    ['What is up?', null, 'What is up?'],
    ['crm#2', null, 'crm#2'],
    ['https://user:hunter2@crm.example/', null, 'https://***@crm.example/'],
  ])('the endpoint %s at %s is %s', (endpoint, url, name) => {
    expect(recordedPlace(endpoint, url).endpoint).toBe(name);
  });

  test('a URL in place of a name is masked, and two keys of it stay two', () => {
    const [one, other] = [recordedName(ONE), recordedName(OTHER)];
    expect(one).toMatch(/^https:\/\/crm\.example:8443\/notify\?key=\*\*\*#[0-9a-f]{5}$/);
    expect(one).not.toBe(other);
  });

  test('property: what was made fit for a record once stays so', () => {
    const text = fc.oneof(
      fc.webUrl({ withQueryParameters: true, withFragments: true }),
      fc.constantFrom(ONE, 'crm', 'crm.example:8443', 'a?b', 'a@b?c=d'),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.option(text), fc.option(text), (endpoint, url) => {
        const place = recordedPlace(endpoint, url);
        expect(recordedPlace(place.endpoint, place.url)).toEqual(place);
        expect(place.endpoint + place.url).not.toContain('hunter2');
      }),
    );
  });
});

test('two attempts went to the same endpoint where URL and key are the same', () => {
  const place = (url: string) => recordedPlace(null, url);
  expect(isSamePlace(place(ONE), place(ONE))).toBe(true);
  expect(isSamePlace(place(ONE), place(OTHER))).toBe(false);
  expect(isSamePlace({ endpoint: 'crm', url: 'https://a/' }, { endpoint: 'a', url: 'https://a/' })).toBe(
    true,
  );
  expect(isSamePlace({ endpoint: 'crm', url: 'https://a/' }, { endpoint: 'crm', url: 'https://b/' })).toBe(
    false,
  );
});

test.each([
  ['crm', 'crm'],
  ['https://crm.example:8443/notify', 'https://crm.example:8443/notify'],
  ['https://crm.example:8443/notify?key=***', 'https://crm.example:8443/notify?key=***'],
  ['https://crm.example:8443/notify?key=env:KEY', 'https://crm.example:8443/notify?key=***'],
  [ONE, endpointName(ONE)],
])('--endpoint %s means %s', (text, wanted) => {
  expect(wantedEndpoint(text)).toBe(wanted);
});

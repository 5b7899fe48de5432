import { isIP } from 'node:net';
import { describe, expect, test } from 'vitest';
import { classifyAddress, refusal } from '../../../src/http/guard.ts';

/** The host as a connection would use it: canonical, without brackets. */
function hostOf(url: string): string {
  return new URL(url).hostname.replace(/^\[|\]$/g, '');
}

describe('D11 forbidden in every mode', () => {
  test.each([
    ['metadata', '169.254.169.254'],
    ['first link-local', '169.254.0.0'],
    ['last link-local', '169.254.255.255'],
    ['this host', '0.0.0.0'],
    ['this network', '0.1.2.3'],
    ['multicast', '224.0.0.1'],
    ['reserved', '240.0.0.1'],
    ['broadcast', '255.255.255.255'],
    ['Alibaba metadata', '100.100.100.200'],
    ['Oracle metadata', '192.0.0.192'],
    ['Azure wire server', '168.63.129.16'],
    ['unspecified', '::'],
    ['unspecified in full', '0:0:0:0:0:0:0:0'],
    ['link-local', 'fe80::1'],
    ['link-local, last', 'febf:ffff::1'],
    ['link-local with a zone', 'fe80::1%eth0'],
    ['multicast v6', 'ff02::1'],
    ['AWS metadata v6', 'fd00:ec2::254'],
    ['mapped', '::ffff:169.254.169.254'],
    ['mapped in hex', '::ffff:a9fe:a9fe'],
    ['mapped in upper case', '::FFFF:A9FE:A9FE'],
    ['mapped in full', '0:0:0:0:0:ffff:a9fe:a9fe'],
    ['mapped this host', '::ffff:0:0'],
    ['compatible', '::169.254.169.254'],
    ['compatible in hex', '::a9fe:a9fe'],
    ['translated', '::ffff:0:a9fe:a9fe'],
    ['NAT64', '64:ff9b::a9fe:a9fe'],
    ['NAT64 with dots', '64:ff9b::169.254.169.254'],
    ['local NAT64', '64:ff9b:1::a9fe:a9fe'],
    ['6to4', '2002:a9fe:a9fe::'],
    ['6to4 with a host part', '2002:a9fe:a9fe::1'],
    ['no address', 'example.com'],
    ['no address but a number', '0'],
    ['nothing', ''],
  ])('%s: %s', (_, address) => {
    expect(classifyAddress(address)).toBe('forbidden');
    expect(refusal(address, address, true)).toMatch(/is a link-local, metadata or reserved address$/);
  });

  test.each([
    'metadata.google.internal',
    'METADATA.google.internal',
    'metadata.google.internal.',
    'metadata.goog',
    'instance-data',
    'instance-data.ec2.internal',
  ])('the name %s, even where it resolves to a public address', (host) => {
    expect(refusal(host, '93.184.215.14', true)).toBe(`${host} is a metadata service`);
  });

  test('a name that resolves to a forbidden address is refused, and both are said', () => {
    expect(refusal('evil.example', '169.254.169.254', true)).toBe(
      'evil.example (169.254.169.254) is a link-local, metadata or reserved address',
    );
  });
});

describe('G16 refused as link-local, metadata or reserved', () => {
  test.each([
    ['Google metadata v6', 'fd20:ce::254'],
    ['Google metadata v6 in full', 'FD20:00CE:0:0:0:0:0:0254'],
    ['AWS, its other services', 'fd00:ec2::23'],
    ['Oracle metadata v6', 'fd00:c1::a9fe:a9fe'],
    ['Scaleway metadata v6', 'fd00:42::42'],
    ['Akamai metadata v6', 'fd00:a9fe:a9fe::1'],
    ['Alibaba metadata v6', 'fd00:100::100:200'],
    ['UCloud metadata', '100.80.80.80'],
    ['Volcano Engine metadata', '100.96.0.96'],
    ['Teredo', '2001::1'],
    ['Teredo to 169.254.169.254', '2001:0:4136:e378:8000:63bf:5601:5601'],
    ['Teredo, last', '2001:0:ffff:ffff:ffff:ffff:ffff:ffff'],
    ['ISATAP to 169.254.169.254', '2606:2800:21f:cb07:0:5efe:a9fe:a9fe'],
    ['ISATAP with the universal bit', '2606:2800:21f:cb07:200:5efe:8.8.8.8'],
    ['ISATAP in a private net', 'fd12:3456::5efe:10.0.0.1'],
    ['site-local', 'fec0::1'],
    ['site-local, last', 'feff:ffff::1'],
    ['local NAT64, whose layout is anybody’s guess', '64:ff9b:1:a9fe:a9:fe00::'],
    ['local NAT64 of a public address', '64:ff9b:1::8.8.8.8'],
    ['beside NAT64', '64:ff9b:2::8.8.8.8'],
    ['neither unspecified nor loopback', '::2'],
    ['discard-only', '100::1'],
    ['segment routing', '5f00::1'],
    ['never assigned', '4000::1'],
    ['never assigned, last', 'fbff::1'],
    ['ORCHID', '2001:20::1'],
    ['documentation v6', '2001:db8::1'],
    ['newer documentation v6', '3fff::1'],
    ['IETF assignments', '192.0.0.8'],
    ['documentation 1', '192.0.2.1'],
    ['documentation 2', '198.51.100.1'],
    ['documentation 3', '203.0.113.255'],
    ['6to4 relays', '192.88.99.1'],
    ['mapped documentation', '::ffff:192.0.2.1'],
    ['6to4 of a documentation net', '2002:c000:0201::1'],
  ])('%s: %s', (_, address) => {
    expect(isIP(address)).not.toBe(0);
    expect(classifyAddress(address)).toBe('forbidden');
    expect(refusal(address, address, true)).toBe(`${address} is a link-local, metadata or reserved address`);
    expect(refusal('evil.example', address, true)).toContain('link-local, metadata or reserved');
  });

  test.each([
    'http://metadata.google.internal../',
    'http://169.254.169.254../',
    'http://127.0.0.1../',
    'http://localhost../',
    'http://example.com../',
    'http://example。com。。/',
    'http://example..com/',
    'http://.example.com/',
    'http://../',
  ])('a name with an empty part, %s, whatever it resolves to', (url) => {
    const host = hostOf(url);
    expect(refusal(host, '93.184.215.14', true)).toBe(
      `${host} is a reserved name: a part between its dots is empty`,
    );
  });

  test.each([
    ['http://Metadata．Google。internal｡/', 'metadata.google.internal.'],
    ['http://instance-data.us-west-2.compute.internal/', 'instance-data.us-west-2.compute.internal'],
    ['http://metadata.azure.internal/', 'metadata.azure.internal'],
    ['http://metadata.tencentyun.com/', 'metadata.tencentyun.com'],
    ['http://metadata.platformequinix.com/', 'metadata.platformequinix.com'],
    ['http://metadata.packet.net/', 'metadata.packet.net'],
  ])('the metadata service behind %s', (url, host) => {
    expect(hostOf(url)).toBe(host);
    expect(refusal(host, '93.184.215.14', true)).toBe(`${host} is a metadata service`);
  });

  test.each(['metadata', 'metadata.shop.internal', 'instance-data.example.com', 'my-metadata.goog'])(
    'a user’s own host %s is let through',
    (host) => expect(refusal(host, '10.0.0.1', true)).toBeNull(),
  );
});

describe('D12 private: permitted where the user typed it, else only with --allow-private', () => {
  test.each([
    '10.0.0.1',
    '10.255.255.255',
    '127.0.0.1',
    '127.255.255.254',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '100.64.0.1',
    '100.127.255.255',
    '198.18.0.1',
    '::1',
    '0:0:0:0:0:0:0:1',
    'fc00::1',
    'fd12:3456::1',
    'fd20:ce::253',
    'fd00:ec1:ffff::254',
    '198.19.255.255',
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    '::127.0.0.1',
    '64:ff9b::10.0.0.1',
    '2002:c0a8:0101::1',
  ])('%s', (address) => {
    expect(classifyAddress(address)).toBe('private');
    expect(refusal(address, address, true)).toBeNull();
    expect(refusal(address, address, false)).toBe(
      `${address} is a private address; --allow-private permits it`,
    );
  });

  test('a name that resolves to a private address likewise', () => {
    expect(refusal('localhost.', '127.0.0.1', true)).toBeNull();
    expect(refusal('rebound.example', '10.0.0.1', false)).toMatch(
      /^rebound\.example \(10\.0\.0\.1\) is a private address/,
    );
  });
});

describe('public addresses are let through', () => {
  test.each([
    '93.184.215.14',
    '9.255.255.255',
    '11.0.0.0',
    '100.63.255.255',
    '100.128.0.0',
    '126.255.255.255',
    '128.0.0.0',
    '169.253.255.255',
    '169.255.0.0',
    '172.15.255.255',
    '172.32.0.0',
    '192.167.255.255',
    '192.169.0.0',
    '223.255.255.255',
    '2606:2800:21f:cb07:6820:80da:af6b:8b2c',
    '::ffff:8.8.8.8',
    '64:ff9b::8.8.8.8',
    '2002:0808:0808::1',
    '2a00:1450::1',
    '2001:200::1',
    '2001:4860:4860::8888',
    '2001:db7:ffff::1',
    '2001:db9::1',
    '3fff:1000::1',
    '3ffe:ffff::1',
    '2606:2800::5eff:808:808',
    '2606:2800::1:5efe:808:808',
    '192.0.1.1',
    '192.0.3.1',
    '198.51.101.1',
    '203.0.112.1',
    '192.88.98.1',
  ])('%s', (address) => {
    expect(classifyAddress(address)).toBe('public');
    expect(refusal(address, address, false)).toBeNull();
  });
});

describe('D11 the forms that a URL may hide a host in', () => {
  test.each([
    ['decimal', 'http://2852039166/', '169.254.169.254'],
    ['hex', 'http://0xa9fea9fe/', '169.254.169.254'],
    ['hex by parts', 'http://0xa9.0xfe.0xa9.0xfe/', '169.254.169.254'],
    ['octal', 'http://025177524776/', '169.254.169.254'],
    ['octal by parts', 'http://0251.0376.0251.0376/', '169.254.169.254'],
    ['two parts', 'http://169.16689662/', '169.254.169.254'],
    ['full-width digits and dots', 'http://１６９。２５４。１６９。２５４/', '169.254.169.254'],
    ['circled digits', 'http://①⑥⑨.②⑤④.①⑥⑨.②⑤④/', '169.254.169.254'],
    ['percent-escaped', 'http://%31%36%39.254.169.254/', '169.254.169.254'],
    ['a dot at the end', 'http://169.254.169.254./', '169.254.169.254'],
    ['a user before it', 'http://example.com@169.254.169.254/', '169.254.169.254'],
    ['zero', 'http://0/', '0.0.0.0'],
    ['zero in hex', 'http://0x0/', '0.0.0.0'],
    ['unspecified v6', 'http://[::]/', '::'],
    ['mapped v6', 'http://[::ffff:169.254.169.254]/', '::ffff:a9fe:a9fe'],
    ['NAT64', 'http://[64:ff9b::169.254.169.254]/', '64:ff9b::a9fe:a9fe'],
  ])('%s is forbidden', (_, url, host) => {
    expect(hostOf(url)).toBe(host);
    expect(isIP(host)).not.toBe(0);
    expect(refusal(host, host, true)).not.toBeNull();
  });

  test.each([
    'http://2130706433/',
    'http://0x7f.1/',
    'http://017700000001/',
    'http://127。0。0。1/',
    'http://127.1/',
  ])('%s is this machine', (url) => {
    expect(hostOf(url)).toBe('127.0.0.1');
    expect(classifyAddress(hostOf(url))).toBe('private');
  });
});

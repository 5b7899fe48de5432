import { BlockList, isIP } from 'node:net';

/** What an address is, as far as sending to it goes. */
export type AddressKind = 'forbidden' | 'private' | 'public';

/** Names of cloud metadata services; their addresses are link-local, but a resolver may be lied to. */
const METADATA_NAMES = new Set([
  'metadata.google.internal',
  'metadata.goog',
  'instance-data',
  'instance-data.ec2.internal',
]);

const forbidden = new BlockList();
for (const [net, bits] of [
  ['0.0.0.0', 8],
  ['169.254.0.0', 16],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
] as const) {
  forbidden.addSubnet(net, bits, 'ipv4');
}
for (const address of ['100.100.100.200', '192.0.0.192', '168.63.129.16'])
  forbidden.addAddress(address, 'ipv4');
for (const [net, bits] of [
  ['::', 128],
  ['fe80::', 10],
  ['ff00::', 8],
  ['fd00:ec2::254', 128],
] as const) {
  forbidden.addSubnet(net, bits, 'ipv6');
}

const internal = new BlockList();
for (const [net, bits] of [
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
] as const) {
  internal.addSubnet(net, bits, 'ipv4');
}
for (const [net, bits] of [
  ['::1', 128],
  ['fc00::', 7],
] as const) {
  internal.addSubnet(net, bits, 'ipv6');
}

/** Link-local, metadata, unspecified and multicast addresses are forbidden in every mode (fault D11). */
export function classifyAddress(address: string): AddressKind {
  const plain = embeddedIpv4(address) ?? address;
  const family = isIP(plain) === 4 ? 'ipv4' : 'ipv6';
  if (isIP(plain) === 0 || forbidden.check(plain, family)) return 'forbidden';
  return internal.check(plain, family) ? 'private' : 'public';
}

/** Why this address or host name must not be connected to; null where it may. */
export function refusal(host: string, address: string, allowPrivate: boolean): string | null {
  if (METADATA_NAMES.has(host.toLowerCase().replace(/\.$/, ''))) return `${host} is a metadata service`;
  const kind = classifyAddress(address);
  const shown = host === address ? address : `${host} (${address})`;
  if (kind === 'forbidden') return `${shown} is a link-local, metadata or reserved address`;
  if (kind === 'private' && !allowPrivate) return `${shown} is a private address; --allow-private permits it`;
  return null;
}

/** The IPv4 address inside a mapped, compatible, translated, NAT64 or 6to4 IPv6 address; null for any other. */
function embeddedIpv4(address: string): string | null {
  if (isIP(address) !== 6) return null;
  const groups = expand(address);
  const [a, b] = groups;
  const headIsZero = groups.slice(0, 5).every((group) => group === 0);
  if (headIsZero && (groups[5] === 0xffff || (groups[5] === 0 && (groups[6] as number) !== 0)))
    return dotted(groups, 6);
  const translated =
    groups[4] === 0xffff && groups[5] === 0 && groups.slice(0, 4).every((group) => group === 0);
  if (translated || (a === 0x64 && b === 0xff9b)) return dotted(groups, 6);
  if (a === 0x2002) return dotted(groups, 1);
  return null;
}

function expand(address: string): number[] {
  let text = address.replace(/%.*$/, '');
  const tail = /(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(text);
  if (tail) {
    const [p, q, r, s] = tail.slice(1).map(Number) as [number, number, number, number];
    text = `${text.slice(0, tail.index) + ((p << 8) | q).toString(16)}:${((r << 8) | s).toString(16)}`;
  }
  const [head = '', rest] = text.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = rest === undefined || rest === '' ? [] : rest.split(':');
  const gap = rest === undefined ? 0 : 8 - left.length - right.length;
  return [...left, ...Array(gap).fill('0'), ...right].map((group) => Number.parseInt(group, 16));
}

function dotted(groups: number[], at: number): string {
  const [high, low] = [groups[at] as number, groups[at + 1] as number];
  return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
}

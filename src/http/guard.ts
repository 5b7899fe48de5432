import { BlockList, isIP } from 'node:net';

/** What an address is, as far as sending to it goes. */
export type AddressKind = 'forbidden' | 'private' | 'public';

/** Names of cloud metadata services. What they lead to is forbidden as well, but a resolver may be lied to. */
const METADATA_NAMES = new Set([
  'metadata.google.internal',
  'metadata.goog',
  'metadata.azure.internal',
  'metadata.tencentyun.com',
  'metadata.platformequinix.com',
  'metadata.packet.net',
  'instance-data',
  'instance-data.ec2.internal',
]);
const REGIONAL_METADATA_NAME = /^instance-data\.[a-z0-9-]+\.compute\.internal$/;

/** Reserved by the IANA registries of special-purpose addresses, or a cloud's metadata service. */
const forbidden = blockList({
  ipv4: [
    '0.0.0.0/8',
    '169.254.0.0/16',
    '192.0.0.0/24',
    '192.0.2.0/24', // documentation
    '192.88.99.0/24',
    '198.51.100.0/24', // documentation
    '203.0.113.0/24', // documentation
    '224.0.0.0/4',
    '240.0.0.0/4',
    '100.80.80.80/32', // UCloud
    '100.96.0.96/32', // Volcano Engine
    '100.100.100.200/32', // Alibaba
    '168.63.129.16/32', // Azure
  ],
  ipv6: [
    '2001::/23', // Teredo among others: whoever names such an address chooses the IPv4 address it leads to
    '2001:db8::/32', // documentation
    '3fff::/20', // documentation
    'fd00:ec2::/32', // AWS
    'fd00:c1::a9fe:a9fe/128', // Oracle
    'fd00:42::42/128', // Scaleway
    'fd00:a9fe:a9fe::1/128', // Akamai
    'fd00:100::100:200/128', // Alibaba
    'fd20:ce::254/128', // Google
  ],
});

const internal = blockList({
  ipv4: ['10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '198.18.0.0/15'],
  ipv6: ['::1/128', 'fc00::/7'],
});

/** Where hosts of the internet are. Outside lies what is reserved: link-local, site-local, multicast, a local NAT64. */
const globalUnicast = blockList({ ipv4: [], ipv6: ['2000::/3'] });

/** What stands before the IPv4 address in a mapped, compatible, translated and NAT64 address. */
const EMBEDDING = new Set(['0:0:0:0:0:ffff', '0:0:0:0:0:0', '0:0:0:0:ffff:0', '64:ff9b:0:0:0:0']);

function blockList(nets: Record<'ipv4' | 'ipv6', readonly string[]>): BlockList {
  const list = new BlockList();
  for (const family of ['ipv4', 'ipv6'] as const)
    for (const net of nets[family]) {
      const [address, bits] = net.split('/') as [string, string];
      list.addSubnet(address, Number(bits), family);
    }
  return list;
}

/** Link-local, metadata and reserved addresses are forbidden in every mode (faults D11, G16). */
export function classifyAddress(address: string): AddressKind {
  if (isIP(address) === 4) return classifyIpv4(address);
  if (isIP(address) === 0) return 'forbidden';
  const groups = expand(address);
  const embedded = embeddedIpv4(groups);
  if (embedded !== null) return classifyIpv4(embedded);
  if (isIsatap(groups) || forbidden.check(address, 'ipv6')) return 'forbidden';
  if (internal.check(address, 'ipv6')) return 'private';
  return globalUnicast.check(address, 'ipv6') ? 'public' : 'forbidden';
}

function classifyIpv4(address: string): AddressKind {
  if (forbidden.check(address, 'ipv4')) return 'forbidden';
  return internal.check(address, 'ipv4') ? 'private' : 'public';
}

/** Why this address or host name must not be connected to; null where it may. */
export function refusal(host: string, address: string, allowPrivate: boolean): string | null {
  const name = host.toLowerCase().replace(/\.$/, '');
  if (METADATA_NAMES.has(name) || REGIONAL_METADATA_NAME.test(name)) return `${host} is a metadata service`;
  // Resolvers differ in what they make of such a name, and it slips past every list of names.
  if (/^\.|\.\.|\.$/.test(name)) return `${host} is a reserved name: a part between its dots is empty`;
  const kind = classifyAddress(address);
  const shown = host === address ? address : `${host} (${address})`;
  if (kind === 'forbidden') return `${shown} is a link-local, metadata or reserved address`;
  if (kind === 'private' && !allowPrivate) return `${shown} is a private address; --allow-private permits it`;
  return null;
}

/** The IPv4 address that an IPv6 address leads to, where it has one in it; null for any other. */
function embeddedIpv4(groups: readonly number[]): string | null {
  const head = groups.slice(0, 6).map((group) => group.toString(16));
  // `::` and `::1` are none; nor is any other that would embed an address of this network.
  const compatible = head.every((group) => group === '0');
  if (EMBEDDING.has(head.join(':')) && !(compatible && groups[6] === 0)) return dotted(groups, 6);
  return groups[0] === 0x2002 ? dotted(groups, 1) : null;
}

/** An interface identifier of ISATAP: a router may hand the packet on to the IPv4 address in it. */
function isIsatap(groups: readonly number[]): boolean {
  return (groups[4] === 0 || groups[4] === 0x200) && groups[5] === 0x5efe;
}

function expand(address: string): number[] {
  let [text = ''] = address.split('%', 1);
  const tail = text.slice(text.lastIndexOf(':') + 1);
  if (isIP(tail) === 4) {
    const [p, q, r, s] = tail.split('.').map(Number) as [number, number, number, number];
    const hex = `${((p << 8) | q).toString(16)}:${((r << 8) | s).toString(16)}`;
    text = text.slice(0, -tail.length) + hex;
  }
  const [head = '', rest] = text.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = rest === undefined || rest === '' ? [] : rest.split(':');
  const gap = rest === undefined ? 0 : 8 - left.length - right.length;
  return [...left, ...Array(gap).fill('0'), ...right].map((group) => Number.parseInt(group, 16));
}

function dotted(groups: readonly number[], at: number): string {
  const [high, low] = [groups[at] as number, groups[at + 1] as number];
  return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`;
}

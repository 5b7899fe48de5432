const IPV4 = /^(?:::ffff:)?127\.\d+\.\d+\.\d+$/;

/** Whether a URL leads to this machine itself. */
export function isLoopback(url: URL): boolean {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return host === 'localhost' || isLoopbackAddress(host);
}

/** The same of an address, as sockets have it. */
export function isLoopbackAddress(address: string): boolean {
  return address === '::1' || IPV4.test(address);
}

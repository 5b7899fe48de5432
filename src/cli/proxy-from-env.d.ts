declare module 'proxy-from-env' {
  /** The proxy's URL for this one, as process.env has it; '' for none. */
  export function getProxyForUrl(url: string): string;
}

/** The part of undici that sends; its index would load fetch, caches and WebSockets too, for 80 ms more. */
declare module 'undici/lib/dispatcher/client.js' {
  export { Client as default } from 'undici';
}

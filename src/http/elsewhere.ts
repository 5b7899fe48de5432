import { type OpenSocket, portOf } from './connect.ts';
import { routeTo } from './route.ts';

const PATIENCE_MS = 2000;

/**
 * The same place at the other one of this machine's own addresses, 127.0.0.1 and ::1, where something listens there;
 * null where nothing does. Development servers that ask for `localhost` often get ::1 alone.
 */
export async function otherLoopback(url: URL): Promise<URL | null> {
  const other = new URL(url);
  other.hostname = url.hostname === '[::1]' ? '127.0.0.1' : '[::1]';
  const plain = new URL(`http://${other.hostname}:${portOf(url)}`);
  return (await connects(routeTo(plain, {}).open)) ? other : null;
}

/** The same place by https, where its port speaks TLS; null where it does not. */
export async function byTls(url: URL): Promise<URL | null> {
  const secure = new URL(url);
  const port = portOf(url);
  secure.protocol = 'https:';
  secure.port = String(port);
  return (await connects(routeTo(secure, { insecure: true }).open)) ? secure : null;
}

/** Whether a connection can be made; it is closed at once. */
function connects(open: OpenSocket): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      giveUp();
      resolve(false);
    }, PATIENCE_MS);
    const giveUp = open((error, socket) => {
      clearTimeout(timer);
      socket?.on('error', () => {}).destroy();
      resolve(error === null);
    });
  });
}
